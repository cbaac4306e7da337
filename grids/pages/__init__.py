"""Pages of this app at the desk."""
