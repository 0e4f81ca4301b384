"""Network architectures in torch; imported by training only."""
