"""Ablations of the pictures, data and networks."""
