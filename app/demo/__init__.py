"""Demonstration of the whole service on shipped synthetic bundles, with a client in the standard library."""
