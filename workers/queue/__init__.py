"""Job records in Redis, their states, and what submits and recovers jobs."""
