"""HTML pages of the ground: log-in, and what the three administrators do."""
