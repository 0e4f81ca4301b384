"""Models of the Earth: travel times through ak135 and their errors, Rayleigh-wave dispersion, maximum earthquake depth."""
