"""What the toolkit costs; ``make bench`` runs it."""
