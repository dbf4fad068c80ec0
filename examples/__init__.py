"""Applications that show how the toolkit is used; each starts with ``python -m examples.<name>``."""
