"""Seismograms as pictures: the only place where a pixel that a model reads is drawn."""
