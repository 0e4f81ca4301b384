"""Request bodies: receivers, limits, recognition of formats, and options."""
