"""What the toolkit costs beside plain aiohttp and beside its peers; ``make bench`` runs it."""
