"""Logbook, a small web application: ``before`` is Flask, ``after`` is its port to aiohttp. ``README.md`` has the steps.

What stands here belongs to both: the tables and their queries, the checks, the texts.
"""
