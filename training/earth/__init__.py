"""Earth structures, their Green's functions and their dispersion."""
