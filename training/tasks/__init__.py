"""One training task a model: data set, network, fit, calibration, scores."""
