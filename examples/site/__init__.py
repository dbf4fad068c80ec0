"""A site of three components, with accounts, a blog and uploads: ``python -m examples.site``.

Read ``app.py`` first: it names all the others.
"""
