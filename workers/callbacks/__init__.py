"""Callbacks (webhooks): requests to the address that a client has given, when its job has ended."""
