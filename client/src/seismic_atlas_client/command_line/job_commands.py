"""Commands on jobs: list, show and cancel them."""

from __future__ import annotations

import json
from enum import Enum
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console

from seismic_atlas_client.command_line import arguments as given
from seismic_atlas_client.command_line.session import Outputs, Session, print_result
from seismic_atlas_client.command_line.tables import draw_jobs


class KindChoice(str, Enum):
    """Kinds of jobs."""

    CLASSIFY = "classify"
    LOCATE = "locate"
    CLUSTER = "cluster"


class StatusChoice(str, Enum):
    """States of jobs."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


def jobs(
    context: typer.Context,
    kind: Annotated[KindChoice | None, typer.Option(help="Only jobs of this kind.")] = None,
    status: Annotated[StatusChoice | None, typer.Option(help="Only jobs of this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of jobs to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List own jobs, newest first."""
    session: Session = context.obj
    with session.open_client() as client:
        listed = list(islice(client.jobs(kind.value if kind else None, status.value if status else None), limit))
    if as_json:
        typer.echo(json.dumps([job.model_dump(mode="json") for job in listed], indent=1))
    else:
        Console(width=None if Console().is_terminal else 200).print(draw_jobs(listed))


def show(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.")],
    as_json: given.AsJson = False,
    quakeml: given.QuakeML = None,
    figures: given.Figures = None,
    products: given.Products = None,
    everything: given.Everything = None,
    timeout: given.Timeout = None,
) -> None:
    """Show the result of a job, waiting for its end."""
    session: Session = context.obj
    with session.open_client() as client:
        job = client.job(job_id)
        result = session.wait(job, timeout)
        print_result(session, job, result, Outputs(as_json, quakeml, figures, products, everything))


def cancel(context: typer.Context, job_id: Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.")]) -> None:
    """Cancel a job: a queued one at once, a running one before its next stage."""
    session: Session = context.obj
    with session.open_client() as client:
        state = client.job(job_id).cancel()
    session.say(f"job {state.id} is {state.status}" + ("" if state.status == "canceled" else ", and will be canceled"))
