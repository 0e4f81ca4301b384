"""Middleware of every request: identifier, access log, metrics, security headers."""
