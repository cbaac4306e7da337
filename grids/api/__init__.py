"""REST resources of grids and of the work in them."""
