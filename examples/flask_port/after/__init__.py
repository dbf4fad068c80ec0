"""Logbook after the port: aiohttp, with aiotoolkit. ``app.py`` names all the others; ``STAGES`` are the steps."""
