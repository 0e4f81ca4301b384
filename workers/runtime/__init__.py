"""Processes: worker, supervisor, heartbeat, embedded queue server."""
