"""Results as QuakeML, GeoJSON and CSV."""
