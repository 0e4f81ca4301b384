"""Uploads and results in a folder or an S3-compatible store."""
