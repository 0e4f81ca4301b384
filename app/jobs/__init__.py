"""Job submissions made safe to repeat, and updates of running jobs."""
