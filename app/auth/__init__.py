"""API keys, rates, and what may be exposed without keys."""
