"""The command that watches a folder."""

from __future__ import annotations

import json
import time
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from seismic_atlas_client.base import Result
from seismic_atlas_client.command_line.event_commands import KnownType
from seismic_atlas_client.command_line.exit_codes import ExitCode
from seismic_atlas_client.command_line.session import Session
from seismic_atlas_client.command_line.tables import TYPES, format_place, format_time
from seismic_atlas_client.command_line.watcher import TRANSIENT, FolderWatcher, WatchedEvent
from seismic_atlas_client.models import ClassifyResult, LocateResult


class WatchKind(str, Enum):
    """What is asked of every event."""

    LOCATE = "locate"
    CLASSIFY = "classify"


def watch(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder in which events appear.")],
    kind: Annotated[WatchKind, typer.Option(help="What to do with each event.")] = WatchKind.LOCATE,
    common: Annotated[
        list[Path] | None, typer.Option("--with", exists=True, help="File that is sent with every event, as stations.xml; may be repeated.")
    ] = None,
    event_type: Annotated[KnownType | None, typer.Option(help="Use this class instead of classifying (locate).")] = None,
    save: Annotated[Path | None, typer.Option(help="Folder to write the results in every format to.")] = None,
    interval: Annotated[float, typer.Option(min=0.05, help="Seconds between two looks at the folder.")] = 5.0,
    settle: Annotated[float, typer.Option(min=0, help="Seconds without a change after which an event is complete.")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="End when everything in the folder is answered.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each event.")] = False,
) -> None:
    """
    Submit each new file, archive or folder in a folder once, and print its result; also over restarts (.atlas-watch.json).

    Metadata and notes at the top (.xml, .csv, .txt, .json) are no events; send metadata of all events by --with.
    """
    session: Session = context.obj
    with session.open_client() as client:
        watcher = FolderWatcher(
            client,
            folder,
            kind.value,
            {"event_type": event_type.value} if event_type else {},
            common=common or (),
            settle_s=settle,
            report=_print_json if as_json else _print_line,
            save=save,
        )
        try:
            while True:
                try:
                    watcher.step()
                except TRANSIENT as error:
                    session.say(f"{error}; trying again")
                if once and watcher.idle:
                    break
                time.sleep(interval)
        except KeyboardInterrupt:
            session.say("stopped; start again to go on")
            return
        if watcher.failures:
            raise typer.Exit(ExitCode.REFUSED)


def _print_json(event: WatchedEvent, result: Result | None) -> None:
    body = None if result is None else result.model_dump(mode="json")
    typer.echo(json.dumps({"event": event.name, "job": event.job, "status": event.status, "detail": event.detail, "result": body}))


def _print_line(event: WatchedEvent, result: Result | None) -> None:
    text = event.detail or event.status
    if isinstance(result, LocateResult) and result.epicenter is not None and result.origin_time is not None:
        text = f"{TYPES[result.event_type]}, {format_time(result.origin_time)}, {format_place(result.epicenter)}"
    elif isinstance(result, (LocateResult, ClassifyResult)):
        text = TYPES[result.event_type]
    typer.echo(f"{event.name}: {text}" + (f" (job {event.job})" if event.job else ""))
