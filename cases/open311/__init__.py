"""Open311 GeoReport v2: what other systems ask and send (``/open311/v2/``)."""
