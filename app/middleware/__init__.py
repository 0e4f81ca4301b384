"""What every request passes: identifiers, log lines, metrics, security headers."""
