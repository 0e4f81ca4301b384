"""Start the command line: `atlas`, or `python -m seismic_atlas_client`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; without the extra `cli`, say how to install it."""
    try:
        from seismic_atlas_client.command_line.main import run_command  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("typer", "rich", "click"):
            raise
        sys.stderr.write("the command line needs packages that are not installed: pip install 'seismic-atlas-client[cli]'\n")
        return 2
    return run_command(arguments)


if __name__ == "__main__":
    sys.exit(main())
