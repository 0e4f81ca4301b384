"""The command line `python -m training`, one file a group of commands."""
