"""`python -m training`: the command line of `training.cli`."""

from training.cli.parser import main

if __name__ == "__main__":
    main()
