"""Commands that submit data: classify, locate, cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from seismic_atlas_client.client import JobHandle
from seismic_atlas_client.command_line import arguments as given
from seismic_atlas_client.command_line.fetch_command import fetch_by_id, make_plan
from seismic_atlas_client.command_line.session import Outputs, Session, print_result
from seismic_atlas_client.errors import ProblemError
from seismic_atlas_client.fdsn.download import FetchedBundle
from seismic_atlas_client.options import ClassifyOptions, ClusterOptions, LocateOptions, known_options


class KnownType(str, Enum):
    """Class that is used instead of classifying."""

    EARTHQUAKE = "earthquake"
    GLACIAL = "glacial"


def classify(
    context: typer.Context,
    files: given.Files,
    latitude: given.Latitude = None,
    longitude: given.Longitude = None,
    starttime: given.StartTime = None,
    endtime: given.EndTime = None,
    seed: given.Seed = None,
    model_version: given.ModelVersion = None,
    idempotency_key: given.IdempotencyKey = None,
    as_json: given.AsJson = False,
    figures: given.Figures = None,
    products: given.Products = None,
    everything: given.Everything = None,
    timeout: given.Timeout = None,
    no_wait: given.NoWait = False,
) -> None:
    """Classify an event: tectonic or glacial earthquake, another event, or none."""
    values = locals()
    session: Session = context.obj
    with session.open_client() as client:
        job = client.submit_classify(*files, **_select_options(values, ClassifyOptions))
        _finish(session, job, values)


def locate(
    context: typer.Context,
    files: given.OptionalFiles = None,
    event: Annotated[str | None, typer.Option(help="Id of an event in a catalog, whose records are fetched.")] = None,
    event_type: Annotated[KnownType | None, typer.Option(help="Use this class instead of classifying.")] = None,
    many: Annotated[bool, typer.Option("--many", help="Each folder, and each file, is an event of its own.")] = False,
    latitude: given.Latitude = None,
    longitude: given.Longitude = None,
    starttime: given.StartTime = None,
    endtime: given.EndTime = None,
    seed: given.Seed = None,
    model_version: given.ModelVersion = None,
    idempotency_key: given.IdempotencyKey = None,
    as_json: given.AsJson = False,
    quakeml: given.QuakeML = None,
    figures: given.Figures = None,
    products: given.Products = None,
    everything: given.Everything = None,
    timeout: given.Timeout = None,
    no_wait: given.NoWait = False,
    event_service: given.EventService = None,
    data_center: given.DataCenters = None,
    keep: Annotated[Path | None, typer.Option(help="File to keep the fetched bundle in.")] = None,
) -> None:
    """Locate an event: epicenter, origin time, and depth or force azimuth, from files or (--event) from a catalog's id."""
    values = locals()
    session: Session = context.obj
    if bool(files) == (event is not None):
        raise typer.BadParameter("give either files or --event")
    with tempfile.TemporaryDirectory() as folder, session.open_client() as client:
        fetched = None
        if event is not None:
            path = keep or Path(folder) / f"{event}.zip"
            fetched = fetch_by_id(session, event, event_service, make_plan(data_center), path)
        submit: Any = client.submit_locate_many if many else client.submit_locate
        job = submit(*(files or []) if fetched is None else [fetched.path], **_select_options(values, LocateOptions))
        _finish(session, job, values, fetched)


def cluster(
    context: typer.Context,
    files: given.Files,
    k_min: Annotated[int | None, typer.Option(min=2, help="Minimum number of families.")] = None,
    k_max: Annotated[int | None, typer.Option(min=2, help="Maximum number of families.")] = None,
    fine_tune: Annotated[bool | None, typer.Option("--fine-tune", help="Train DeepCluster on the events.")] = None,
    seed: given.Seed = None,
    model_version: given.ModelVersion = None,
    idempotency_key: given.IdempotencyKey = None,
    as_json: given.AsJson = False,
    figures: given.Figures = None,
    products: given.Products = None,
    everything: given.Everything = None,
    timeout: given.Timeout = None,
    no_wait: given.NoWait = False,
) -> None:
    """
    Group many events into families of similar ones.

    One folder or archive holds the events, each file or folder in it being one; several files or folders are one event each.
    """
    values = locals()
    session: Session = context.obj
    with session.open_client() as client:
        job = client.submit_cluster(*files, **_select_options(values, ClusterOptions))
        _finish(session, job, values)


def _select_options(values: Mapping[str, Any], known: type) -> Any:  # noqa: ANN401 -- keywords of the client
    """Return the options of a submission among the values of a command, those that were given."""
    chosen = {name: values[name] for name in known_options(known) if values.get(name) is not None}
    return {name: value.value if isinstance(value, Enum) else value for name, value in chosen.items()}


def _finish(session: Session, job: JobHandle[Any], values: Mapping[str, Any], fetched: FetchedBundle | None = None) -> None:
    """Wait for the job and print its result as the values of the command ask; or print its id."""
    outputs = Outputs(**{name: values.get(name) for name in ("as_json", "quakeml", "figures", "products", "everything")})
    if values["no_wait"]:
        typer.echo(job.state.model_dump_json(indent=1) if outputs.as_json else job.id)
        return
    try:
        result = session.wait(job, values["timeout"])
    except ProblemError as error:
        if outputs.as_json and error.job_id is not None:
            typer.echo(job.state.model_dump_json(indent=1))
        raise
    print_result(session, job, result, outputs, fetched.event if fetched else None)
