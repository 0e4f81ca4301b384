"""Validation of synthetic data against physics, observed records and trivial cues."""
