"""The command `atlas`. Needs the extra `cli`."""
