"""What this app answers to: layers, vector tiles, base maps, OGC."""
