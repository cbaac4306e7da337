"""REST resources of cases."""
