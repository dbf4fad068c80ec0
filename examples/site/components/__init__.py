"""The components of the site: every package here that has a ``routes`` module is one."""
