"""The documents, judged by tools of others: ``make openapi-check``."""
