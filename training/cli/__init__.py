"""The command line `python -m training`: one file for each group of commands, and the parser over them."""
