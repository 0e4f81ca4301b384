"""Unsupervised grouping of embeddings: clusters, their number, and tests whether there are any."""
