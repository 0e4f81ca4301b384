"""Declarations of the networks: what each reads and what it predicts, one file a model."""
