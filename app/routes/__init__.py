"""HTTP endpoints, a file for each resource."""
