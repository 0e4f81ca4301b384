"""The operations of the API as flows of effects: what `Client` and `AsyncClient` have in common."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from seismic_atlas_client.base import LocationResult, Model, Result
from seismic_atlas_client.bundles import Bundle, Source
from seismic_atlas_client.effects import Answer, Flow, Request, Save, Send
from seismic_atlas_client.errors import Conflict, JobCanceled, JobNotEnded, NoCatalog, UnexpectedAnswer, make_problem_error
from seismic_atlas_client.models import (
    Card,
    ClassifyResult,
    ClusterResult,
    Job,
    JobKind,
    JobList,
    LocateManyResult,
    LocateResult,
    ProblemExplanation,
    Ready,
    Status,
)
from seismic_atlas_client.options import ClassifyOptions, ClusterOptions, LocateOptions, write_fields
from seismic_atlas_client.progress import ENDED, parse_job, read_job
from seismic_atlas_client.retries import RetryPolicy, describe_problem_object, send

R = TypeVar("R", bound=Result)
M = TypeVar("M", bound=Model)
SUFFIXES = {"quakeml": "xml"}
"""Suffix of the file of a format, where it is not the format's name."""


@dataclass(frozen=True)
class Submission(Generic[R]):
    """A kind of submission: its path, options, fixed fields, class of result, and whether each file is an event."""

    path: str
    options: type
    result_class: type[R]
    many_events: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)


CLASSIFY = Submission("/events/classify", ClassifyOptions, ClassifyResult)
LOCATE = Submission("/events/locate", LocateOptions, LocateResult)
LOCATE_MANY = Submission("/events/locate", LocateOptions, LocateManyResult, many_events=True, fields={"many": "true"})
CLUSTER = Submission("/anomalies/cluster", ClusterOptions, ClusterResult, many_events=True)


def submit(submission: Submission[R], sources: Iterable[Source], options: Mapping[str, Any], policy: RetryPolicy) -> Flow[Job]:
    """
    Submit a bundle and return its job.

    The submission has an idempotency key, so that repeating it after a broken connection does not make a second job.

    Parameters
    ----------
    submission
        Kind of the submission.
    sources
        Files, folders, bytes, open files, objects of ObsPy.
    options
        Options by name; `idempotency_key` takes the place of a key made here.
    policy
        How the request is repeated.

    """
    fields = {**write_fields(options, submission.options), **submission.fields}
    headers = {"Idempotency-Key": str(options.get("idempotency_key") or uuid.uuid4())}
    with Bundle(sources, many_events=submission.many_events) as bundle:
        request = Request("POST", submission.path, headers=headers, fields=fields, parts=bundle.parts)
        return parse_job((yield from send(Send(request), policy)))


def finish(job: Job, result_class: type[R], policy: RetryPolicy) -> Flow[R]:
    """
    Return the result of a job that has ended, a location with its QuakeML.

    Raises JobNotEnded, JobCanceled, and the ProblemError of a failed job, with its `job_id`.
    """
    if job.status == "canceled":
        raise JobCanceled(job.id)
    if job.problem is not None:
        raise make_problem_error(describe_problem_object(job.problem.model_dump(), job.problem.status), job.id)
    if job.status not in ENDED:
        raise JobNotEnded(job.id, job.status)
    if not isinstance(job.result, result_class):
        raise UnexpectedAnswer(f"job {job.id} has a result of the kind {getattr(job.result, 'kind', None)}, not {result_class.__name__}")
    job.result.bind_job(job.id, tuple(job.warnings))
    if isinstance(job.result, LocationResult) and "quakeml" in job.formats:
        job.result.bind_quakeml((yield from read_product(job.id, "quakeml", policy)))
    return job.result


def require_location(result: Result) -> LocationResult:
    """Return a result that is a location; raises NoCatalog for another."""
    if not isinstance(result, LocationResult):
        raise NoCatalog(f"job {result.job_id} is no location; only locations have a catalog")
    return result


def cancel_job(job_id: str, policy: RetryPolicy) -> Flow[Job]:
    """Cancel a job; a job that is canceled already is returned. Raises Conflict for a job that has ended otherwise."""
    try:
        return parse_job((yield from send(Send(Request("DELETE", _job_path(job_id))), policy)))
    except Conflict:
        job = yield from read_job(job_id, policy)
        if job.status != "canceled":
            raise
        return job


def read_product(job_id: str, file_format: str, policy: RetryPolicy) -> Flow[bytes]:
    """Return the result of a job in one of its `formats`, as bytes."""
    request = Request("GET", f"{_job_path(job_id)}/result", params={"format": file_format})
    answer: Answer = yield from send(Send(request), policy)
    return answer.content


def save_products(job: Job, folder: Path, policy: RetryPolicy) -> Flow[list[Path]]:
    """Write the result in every format to files of a folder, named after kind and id of the job; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for file_format in job.formats:
        path = folder / f"{job.kind}-{job.id[:8]}.{SUFFIXES.get(file_format, file_format)}"
        path.write_bytes((yield from read_product(job.id, file_format, policy)))
        paths.append(path)
    return paths


def read_figures(job: Job, policy: RetryPolicy) -> Flow[dict[str, bytes]]:
    """Return the figures of a job (PNG) by their names."""
    figures = {}
    for link in job.links.figures:
        name = _figure_name(link)
        answer: Answer = yield from send(Send(Request("GET", f"{_job_path(job.id)}/figures/{name}.png")), policy)
        figures[name] = answer.content
    return figures


def read_figure_data(job_id: str, name: str, policy: RetryPolicy) -> Flow[Any]:
    """Return the data of a figure as parsed JSON; raises NotFound for a figure that has none, and UnexpectedAnswer."""
    answer: Answer = yield from send(Send(Request("GET", f"{_job_path(job_id)}/figures/{quote(name, safe='')}.json")), policy)
    try:
        return json.loads(answer.content)
    except ValueError as error:
        raise UnexpectedAnswer(f"the data of the figure {name!r} is no JSON: {error}") from error


def save_figures(job: Job, folder: Path, policy: RetryPolicy) -> Flow[list[Path]]:
    """Write the figures of a job to a folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, bytes] = yield from read_figures(job, policy)
    paths = [folder / f"{name}.png" for name in figures]
    for path, data in zip(paths, figures.values(), strict=True):
        path.write_bytes(data)
    return paths


def save_bundle(job: Job, path: Path, policy: RetryPolicy) -> Flow[Path]:
    """Write everything of a job to a zip archive, in a folder under the name of the job; return its path."""
    target = path / f"{job.kind}-{job.id[:8]}.zip" if path.is_dir() else path
    target.parent.mkdir(parents=True, exist_ok=True)
    yield from send(Save(Request("GET", f"{_job_path(job.id)}/bundle.zip"), target), policy)
    return target


def list_jobs(kind: JobKind | None, status: Status | None, limit: int, cursor: str | None, policy: RetryPolicy) -> Flow[JobList]:
    """
    Return a page of the caller's jobs, newest first.

    Parameters
    ----------
    kind, status
        Only jobs of this kind and this status; None: of all.
    limit
        Number of jobs of a page.
    cursor
        `next` of the page before; None for the first page.
    policy
        How the request is repeated.

    """
    given = {"kind": kind, "status": status, "limit": str(limit), "cursor": cursor}
    params = {name: value for name, value in given.items() if value is not None}
    return _parse(JobList, (yield from send(Send(Request("GET", "/jobs", params=params)), policy)))


def list_models(policy: RetryPolicy) -> Flow[list[Card]]:
    """Return the cards of the models of the service."""
    answer: Answer = yield from send(Send(Request("GET", "/models")), policy)
    try:
        return TypeAdapter(list[Card]).validate_json(answer.content)
    except ValidationError as error:
        raise _make_parse_error("a list of model cards", error) from error


def read_readiness(policy: RetryPolicy) -> Flow[Ready]:
    """Return the state of a service that is ready; raises ServiceUnavailable with the failed checks otherwise."""
    return _parse(Ready, (yield from send(Send(Request("GET", "/health/ready")), policy)))


def explain_problem(code: str, policy: RetryPolicy) -> Flow[ProblemExplanation]:
    """Return what a problem code means, and what can be done about it."""
    request = Request("GET", f"/problems/{quote(code, safe='')}", headers={"Accept": "application/json"})
    return _parse(ProblemExplanation, (yield from send(Send(request), policy)))


def _job_path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _figure_name(link: str) -> str:
    """Return the name of a figure from its link; raises UnexpectedAnswer for one that is no plain name, since files are named so."""
    name = link.rpartition("/")[2].removesuffix(".png")
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise UnexpectedAnswer(f"the service lists a figure with the name {name!r}")
    return name


def _parse(model: type[M], answer: Answer) -> M:
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        raise _make_parse_error(f"a {model.__name__}", error) from error


def _make_parse_error(what: str, error: ValidationError) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"the answer is not {what} of a Seismic Atlas service: {error}")
