"""The client with blocking calls: submissions, jobs and their products."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http import HTTPStatus
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx

from seismic_atlas_client import operations
from seismic_atlas_client.base import Result
from seismic_atlas_client.bundles import Source
from seismic_atlas_client.effects import Answer, Effect, Flow, Follow, Save, Send, Sleep
from seismic_atlas_client.models import (
    Card,
    ClassifyResult,
    ClusterResult,
    Job,
    JobKind,
    JobSummary,
    LocateManyResult,
    LocateResult,
    ProblemExplanation,
    Ready,
    Status,
)
from seismic_atlas_client.operations import Submission
from seismic_atlas_client.options import ClassifyOptions, ClusterOptions, LocateOptions
from seismic_atlas_client.progress import OnProgress, read_job, wait_for_end
from seismic_atlas_client.retries import RetryPolicy
from seismic_atlas_client.transport import choose_address, make_answer, make_arguments, make_headers, write_whole

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

R = TypeVar("R", bound=Result)
T = TypeVar("T")
DEFAULT_TIMEOUT_S = 60.0
PAGE = 50


class JobHandle(Generic[R]):
    """
    A job of the service: wait for it, cancel it, read its result and products.

    `id` is all that must be kept: `Client.job(id)` returns a handle again.
    """

    def __init__(self, client: Client, job: Job, result_class: type[R]) -> None:
        self.state = job
        """The job as it was read last."""
        self._client, self._result_class = client, result_class

    @property
    def id(self) -> str:
        """Id of the job."""
        return self.state.id

    def refresh(self) -> Job:
        """Read the job anew and return it."""
        self.state = self._client.run(read_job(self.id, self._client.retries))
        return self.state

    def wait(self, on_progress: OnProgress | None = None, timeout_s: float | None = None) -> R:
        """
        Wait for the end of the job and return its result.

        Parameters
        ----------
        on_progress
            Called with a `Progress` at each change of stage and fraction.
        timeout_s
            Seconds to wait; None: as long as it takes.

        Raises
        ------
        WaitTimedOut
            The job has not ended in time; it goes on.
        JobCanceled
            The job was canceled.
        ProblemError
            The job failed, `job_id` is set then; or a request was refused.

        """
        self.state = self._client.run(wait_for_end(self.id, self._client.retries, on_progress, timeout_s))
        return self._finish()

    def result(self) -> R:
        """Return the result of a job that has ended; raises JobNotEnded, and what `wait` raises."""
        self.refresh()
        return self._finish()

    def _finish(self) -> R:
        return self._client.run(operations.finish(self.state, self._result_class, self._client.retries))

    def cancel(self) -> Job:
        """Cancel the job, a running one before its next stage; raises Conflict if it has ended otherwise."""
        self.state = self._client.run(operations.cancel_job(self.id, self._client.retries))
        return self.state

    def product(self, file_format: str) -> bytes:
        """Return the result as bytes in a format: json, csv, quakeml or geojson; `state.formats` lists those of the job."""
        return self._client.run(operations.read_product(self.id, file_format, self._client.retries))

    def save_products(self, folder: str | PathLike[str]) -> list[Path]:
        """Write the result in every format to a folder; return the paths."""
        return self._client.run(operations.save_products(self.refresh(), Path(folder), self._client.retries))

    def figures(self) -> dict[str, bytes]:
        """Return the figures (PNG) by their names."""
        return self._client.run(operations.read_figures(self.refresh(), self._client.retries))

    def figure_data(self, name: str) -> Any:  # noqa: ANN401 -- JSON
        """Return what a figure (`section` or `families`) shows as parsed JSON: waveforms and travel times, or positions of events."""
        return self._client.run(operations.read_figure_data(self.id, name, self._client.retries))

    def save_figures(self, folder: str | PathLike[str]) -> list[Path]:
        """Write the figures (PNG) to a folder; return the paths."""
        return self._client.run(operations.save_figures(self.refresh(), Path(folder), self._client.retries))

    def download_bundle(self, path: str | PathLike[str]) -> Path:
        """Write everything (job, result in every format, figures, uploads) to a zip archive, or into a folder; return its path."""
        return self._client.run(operations.save_bundle(self.state, Path(path), self._client.retries))

    def to_catalog(self) -> Any:  # noqa: ANN401 -- ObsPy has no types
        """Return a location that has ended as an ObsPy Catalog; raises NoCatalog for other kinds of jobs."""
        return operations.require_location(self.result()).to_catalog()


class Client:
    """
    A client of a Seismic Atlas service with blocking calls.

    Use it as a context, or call `close`. One client may be used by several threads.

    Parameters
    ----------
    url
        Address of the service; without it the variable ATLAS_URL, else http://127.0.0.1:8000.
    api_key
        API key, where the service requires one; without it the variable ATLAS_API_KEY.
    retries
        How requests are repeated.
    timeout_s
        Seconds without a byte after which a request counts as failed.
    transport
        Transport of httpx, for tests and special networks.

    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        retries: RetryPolicy | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url, self.retries = choose_address(url), retries or RetryPolicy()
        self._timeout_s = timeout_s
        self._http = httpx.Client(base_url=self.url, headers=make_headers(api_key), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def classify(
        self,
        *sources: Source,
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
        **options: Unpack[ClassifyOptions],
    ) -> ClassifyResult:
        """
        Classify an event: earthquake, glacial earthquake, other, undetermined, or none.

        Parameters
        ----------
        *sources
            The files of one event: paths, folders, bytes, open files, an ObsPy Stream and an Inventory.
        on_progress
            As in `JobHandle.wait`.
        timeout_s
            As in `JobHandle.wait`.
        **options
            See `ClassifyOptions`.

        """
        return self.submit_classify(*sources, **options).wait(on_progress, timeout_s)

    def submit_classify(self, *sources: Source, **options: Unpack[ClassifyOptions]) -> JobHandle[ClassifyResult]:
        """Submit what `classify` takes, and return the job without waiting for it."""
        return self._submit(operations.CLASSIFY, sources, options)

    def locate(
        self,
        *sources: Source,
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
        **options: Unpack[LocateOptions],
    ) -> LocateResult:
        """
        Locate an event: epicenter and origin time with uncertainties, depth or force azimuth.

        `epicenter` is None where no event was detected; that is no error.

        Parameters
        ----------
        *sources
            The files of one event: paths, folders, bytes, open files, an ObsPy Stream and an Inventory.
        on_progress
            As in `JobHandle.wait`.
        timeout_s
            As in `JobHandle.wait`.
        **options
            See `LocateOptions`.

        """
        return self.submit_locate(*sources, **options).wait(on_progress, timeout_s)

    def submit_locate(self, *sources: Source, **options: Unpack[LocateOptions]) -> JobHandle[LocateResult]:
        """Submit what `locate` takes, and return the job without waiting for it."""
        return self._submit(operations.LOCATE, sources, options)

    def locate_many(
        self,
        *sources: Source,
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
        **options: Unpack[LocateOptions],
    ) -> LocateManyResult:
        """
        Locate many events in one job, each file or folder being one event.

        Parameters
        ----------
        *sources
            One folder or archive that holds the events; or the events themselves: files, folders, Streams, pairs of name and Stream.
        on_progress
            As in `JobHandle.wait`.
        timeout_s
            As in `JobHandle.wait`.
        **options
            See `LocateOptions`.

        """
        return self.submit_locate_many(*sources, **options).wait(on_progress, timeout_s)

    def submit_locate_many(self, *sources: Source, **options: Unpack[LocateOptions]) -> JobHandle[LocateManyResult]:
        """Submit what `locate_many` takes, and return the job without waiting for it."""
        return self._submit(operations.LOCATE_MANY, sources, options)

    def cluster(
        self,
        *sources: Source,
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
        **options: Unpack[ClusterOptions],
    ) -> ClusterResult:
        """
        Group many events into families of similar ones.

        Parameters
        ----------
        *sources
            One folder or archive that holds the events; or the events themselves: files, folders, Streams, pairs of name and Stream.
        on_progress
            As in `JobHandle.wait`.
        timeout_s
            As in `JobHandle.wait`.
        **options
            See `ClusterOptions`.

        """
        return self.submit_cluster(*sources, **options).wait(on_progress, timeout_s)

    def submit_cluster(self, *sources: Source, **options: Unpack[ClusterOptions]) -> JobHandle[ClusterResult]:
        """Submit what `cluster` takes, and return the job without waiting for it."""
        return self._submit(operations.CLUSTER, sources, options)

    def job(self, job_id: str) -> JobHandle[Result]:
        """Return a job by its id, of any kind; raises NotFound."""
        return JobHandle(self, self.run(read_job(job_id, self.retries)), Result)

    def jobs(self, kind: JobKind | None = None, status: Status | None = None) -> Iterator[JobSummary]:
        """Yield own jobs, newest first, those of one kind or status if given; pages are read as they are needed."""
        cursor: str | None = None
        while True:
            page = self.run(operations.list_jobs(kind, status, PAGE, cursor, self.retries))
            yield from page.jobs
            cursor = page.next
            if cursor is None:
                return

    def models(self) -> list[Card]:
        """Return the cards of the models of the service: versions, training data, scores, limits."""
        return self.run(operations.list_models(self.retries))

    def ready(self) -> Ready:
        """Return the state of a service that is ready; raises ServiceUnavailable otherwise."""
        return self.run(operations.read_readiness(self.retries))

    def explain(self, code: str) -> ProblemExplanation:
        """Return what a problem `code` means, and what can be done about it."""
        return self.run(operations.explain_problem(code, self.retries))

    def _submit(self, submission: Submission[R], sources: tuple[Source, ...], options: Any) -> JobHandle[R]:  # noqa: ANN401 -- a TypedDict
        job = self.run(operations.submit(submission, sources, options, self.retries))
        return JobHandle(self, job, submission.result_class)

    def run(self, flow: Flow[T]) -> T:
        """Perform the effects of an operation and return its outcome."""
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = self._perform(effect)
                except httpx.RequestError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as end:
            outcome_of_flow: T = end.value
            return outcome_of_flow
        finally:
            flow.close()

    def _perform(self, effect: Effect) -> Answer | None:
        if isinstance(effect, Sleep):
            time.sleep(effect.seconds)
            return None
        arguments = make_arguments(effect.request, self._timeout_s)
        if isinstance(effect, Send):
            response = self._http.request(**arguments)
            return make_answer(response, response.content)
        with self._http.stream(**arguments) as response:
            if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                return make_answer(response, response.read())
            if isinstance(effect, Save):
                self._save(response, effect)
            else:
                self._follow(response, effect)
            return make_answer(response)

    @staticmethod
    def _save(response: httpx.Response, effect: Save) -> None:
        with write_whole(effect.path) as file:
            for block in response.iter_bytes():
                file.write(block)

    @staticmethod
    def _follow(response: httpx.Response, effect: Follow) -> None:
        for line in response.iter_lines():
            if effect.accept_line(line):
                return
