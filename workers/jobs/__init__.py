"""The closed list of jobs, a file each."""
