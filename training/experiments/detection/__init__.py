"""Calibration and evaluation of the detection of events against noise."""
