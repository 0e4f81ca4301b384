"""Seismology: ids, records, geodesy; reading, signal processing, the Earth; evidence about an epicenter, and its location."""
