"""Validation of synthetic data against physics and trivial cues."""
