"""What is known of the Earth: travel times and their errors, Rayleigh-wave dispersion, maximum earthquake depth."""
