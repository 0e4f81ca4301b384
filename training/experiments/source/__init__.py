"""Evaluation of the source inversion on synthetic events whose paths run through several Earth models."""
