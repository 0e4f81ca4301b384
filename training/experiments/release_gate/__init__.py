"""The gate that a distance reader passes before it ships: synthetic copies of observed geometries, shifted and cut records."""
