"""Jobs as seen by clients: submissions that are safe to repeat, and waiting for updates."""
