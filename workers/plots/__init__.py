"""Figures for people, each a plain function from arrays to PNG bytes; no network reads one of them."""
