"""Figures for people: functions from arrays to PNG bytes. No network reads one of them."""
