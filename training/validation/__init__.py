"""Tests of the synthetic Earth against physics, real records and trivial cues."""
