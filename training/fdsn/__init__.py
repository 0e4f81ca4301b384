"""Real recordings and event lists from FDSN web services."""
