"""Comparisons that decided something once; nothing imports them."""
