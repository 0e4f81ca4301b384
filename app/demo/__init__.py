"""The demonstration: the whole service once, on shipped synthetic bundles, with the standard library alone as its client."""
