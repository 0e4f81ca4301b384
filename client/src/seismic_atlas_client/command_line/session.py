"""What every command has: the client, consoles for answers and for messages, progress, and the output of results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seismic_atlas_client.base import LocationResult, Result
from seismic_atlas_client.client import Client, JobHandle
from seismic_atlas_client.command_line.exit_codes import ExitCode, code_of_result
from seismic_atlas_client.command_line.tables import draw_result
from seismic_atlas_client.errors import NoCatalog, NotFound
from seismic_atlas_client.fdsn.events import CatalogEvent
from seismic_atlas_client.progress import Progress as JobProgress

R = TypeVar("R", bound=Result)
STANDARD_OUTPUT = Path("-")


@dataclass
class Session:
    """Settings of one run of the command."""

    url: str | None
    api_key: str | None
    quiet: bool
    messages: Console = field(default_factory=lambda: Console(stderr=True))

    def open_client(self) -> Client:
        """Open a client of the service."""
        return Client(self.url, self.api_key)

    def say(self, text: str) -> None:
        """Print a message to the standard error output, unless the command is quiet."""
        if not self.quiet:
            self.messages.print(text, highlight=False, markup=False)

    @contextmanager
    def show_progress(self, text: str) -> Iterator[Callable[[str, float | None], None]]:
        """Show a bar on the terminal; yield a function of stage and fraction (None: unknown)."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        hidden = self.quiet or not self.messages.is_terminal
        with Progress(*columns, console=self.messages, transient=True, disable=hidden) as bar:
            task = bar.add_task(text, total=None)
            yield lambda stage, fraction: bar.update(task, description=stage, completed=fraction or 0.0, total=1.0 if fraction else None)

    def wait(self, job: JobHandle[R], timeout_s: float | None) -> R:
        """Wait for a job with a bar; an interruption says how to come back to the job."""
        with self.show_progress("waiting") as update:

            def report(state: JobProgress) -> None:
                update(state.stage, state.progress)

            try:
                return job.wait(report, timeout_s)
            except KeyboardInterrupt:
                self.messages.print(f"interrupted; job {job.id} goes on: atlas show {job.id}, or atlas cancel {job.id}", highlight=False)
                raise typer.Exit(ExitCode.NOT_ENDED) from None


@dataclass(frozen=True)
class Outputs:
    """Where the results of a job go besides the terminal; None: nowhere."""

    as_json: bool | None = False
    quakeml: Path | None = None
    figures: Path | None = None
    products: Path | None = None
    everything: Path | None = None


def print_result(session: Session, job: JobHandle[Any], result: Result, outputs: Outputs, catalog: CatalogEvent | None = None) -> None:
    """Print the result of a job, write the files that were asked for, and end the command with the exit code of the result."""
    if outputs.as_json:
        typer.echo(job.state.model_dump_json(indent=1))
    elif outputs.quakeml != STANDARD_OUTPUT:
        console = Console()
        for table in draw_result(result, find_region(job) if isinstance(result, LocationResult) else "", catalog):
            console.print(table)
        console.print(f"Job {job.id}", highlight=False)
    if outputs.quakeml is not None:
        _write_quakeml(result, outputs.quakeml)
    if outputs.figures is not None:
        session.say(f"figures: {', '.join(map(str, job.save_figures(outputs.figures))) or 'none'}")
    if outputs.products is not None:
        session.say(f"products: {', '.join(map(str, job.save_products(outputs.products)))}")
    if outputs.everything is not None:
        session.say(f"everything: {job.download_bundle(outputs.everything)}")
    code = code_of_result(result)
    if code != ExitCode.ANSWERED:
        raise typer.Exit(code)


def _write_quakeml(result: Result, path: Path) -> None:
    if not isinstance(result, LocationResult):
        raise NoCatalog("only locations have QuakeML; leave --quakeml out")
    if path == STANDARD_OUTPUT:
        typer.echo(result.quakeml.decode())
    else:
        path.write_bytes(result.quakeml)


def find_region(job: JobHandle[Any]) -> str:
    """Return the name of the region of a location, from its GeoJSON; empty without one."""
    if "geojson" not in job.state.formats:
        return ""
    try:
        features = json.loads(job.product("geojson")).get("features") or [{}]
    except (NotFound, ValueError):
        return ""
    return str(features[0].get("properties", {}).get("place") or "")
