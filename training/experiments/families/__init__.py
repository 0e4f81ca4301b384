"""Methods of clustering compared on mixtures of known kinds of sources."""
