"""Redrawing a city's grids: drafts made of blocks, their edit log, proposals, review, publication."""
