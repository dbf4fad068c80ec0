"""A REST API for projects: ``python -m examples.projects``.

Read ``app.py`` first: it names all the others.
"""
