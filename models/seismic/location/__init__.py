"""An epicenter on the sphere: grid, posterior from distances, confidence regions and their calibration."""
