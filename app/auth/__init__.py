"""API keys, rate limits, and the check that a reachable service requires keys."""
