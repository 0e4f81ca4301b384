"""Request bodies received in a stream: multipart forms, raw bodies, limits."""
