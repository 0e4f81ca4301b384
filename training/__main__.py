"""`python -m training`: the command line of `training.cli`."""

import os

from training.cli import main

if __name__ == "__main__":
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as models.registry.inference says
    main()
