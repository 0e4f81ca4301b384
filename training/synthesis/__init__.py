"""Synthetic events: sources, stations, path effects, noise, instrument defects, records."""
