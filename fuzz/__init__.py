"""Hostile requests to a live server that validates; ``make fuzz`` runs it."""
