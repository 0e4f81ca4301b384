"""Fitting networks: trainer, DeepCluster, kernel regression, calibration."""
