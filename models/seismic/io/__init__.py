"""Bytes to records: miniSEED, merging of segments, channels, station metadata, instrument response."""
