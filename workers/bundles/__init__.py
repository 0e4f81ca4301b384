"""Uploaded bundles parsed in a child process with limits."""
