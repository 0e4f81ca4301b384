"""Clustering of embeddings: k-means, the number of clusters, and tests of whether there are any."""
