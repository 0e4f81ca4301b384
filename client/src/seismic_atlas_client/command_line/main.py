"""The commands of `atlas`, and how errors become messages and exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from seismic_atlas_client.command_line.event_commands import classify, cluster, locate
from seismic_atlas_client.command_line.exit_codes import code_of_error
from seismic_atlas_client.command_line.fetch_command import fetch
from seismic_atlas_client.command_line.job_commands import cancel, jobs, show
from seismic_atlas_client.command_line.session import Session
from seismic_atlas_client.command_line.watch_command import watch
from seismic_atlas_client.errors import AtlasClientError
from seismic_atlas_client.version import VERSION

EPILOG = (
    "Exit codes: 0 answered, 2 usage, 3 no event or no class or no families, 4 data refused or job failed, 5 service unreachable, "
    "6 not allowed, 7 job not ended, 8 no data from FDSN services."
)
app = typer.Typer(
    help="Classify, locate and cluster seismic events with a Seismic Atlas service.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (classify, locate, cluster, fetch, watch, jobs, show, cancel):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"atlas {VERSION}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    url: Annotated[str | None, typer.Option(envvar="ATLAS_URL", help="Address of the service.")] = None,
    api_key: Annotated[str | None, typer.Option(envvar="ATLAS_API_KEY", help="API key, better given by the variable.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages but errors.")] = False,
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Classify, locate and cluster seismic events with a Seismic Atlas service."""
    context.obj = Session(url, api_key, quiet)


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors of the client are printed without a traceback."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="atlas")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (AtlasClientError, OSError) as error:
        typer.echo(f"atlas: {error}", err=True)
        return code_of_error(error)
    return 0
