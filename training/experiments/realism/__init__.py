"""Agreement of the Earth models with observed records: synthetics at the true distance and depth beside seismograms of real earthquakes."""
