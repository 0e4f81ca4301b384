"""Evidence from dispersion-corrected Rayleigh waves stacked over the sphere."""
