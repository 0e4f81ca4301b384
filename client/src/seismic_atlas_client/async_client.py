"""
The client with awaited calls: submissions, jobs and their products.

Written by client/generate_async_client.py from client.py; change that, not this file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
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


class AsyncJobHandle(Generic[R]):
    """
    A job of the service: wait for it, cancel it, read its result and products.

    `id` is all that must be kept: `await AsyncClient.job(id)` returns a handle again.
    """

    def __init__(self, client: AsyncClient, job: Job, result_class: type[R]) -> None:
        self.state = job
        """The job as it was read last."""
        self._client, self._result_class = client, result_class

    @property
    def id(self) -> str:
        """Id of the job."""
        return self.state.id

    async def refresh(self) -> Job:
        """Read the job anew and return it."""
        self.state = await self._client.run(read_job(self.id, self._client.retries))
        return self.state

    async def wait(self, on_progress: OnProgress | None = None, timeout_s: float | None = None) -> R:
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
        self.state = await self._client.run(wait_for_end(self.id, self._client.retries, on_progress, timeout_s))
        return await self._finish()

    async def result(self) -> R:
        """Return the result of a job that has ended; raises JobNotEnded, and what `wait` raises."""
        await self.refresh()
        return await self._finish()

    async def _finish(self) -> R:
        return await self._client.run(operations.finish(self.state, self._result_class, self._client.retries))

    async def cancel(self) -> Job:
        """Cancel the job, a running one before its next stage; raises Conflict if it has ended otherwise."""
        self.state = await self._client.run(operations.cancel_job(self.id, self._client.retries))
        return self.state

    async def product(self, file_format: str) -> bytes:
        """Return the result as bytes in a format: json, csv, quakeml or geojson; `state.formats` lists those of the job."""
        return await self._client.run(operations.read_product(self.id, file_format, self._client.retries))

    async def save_products(self, folder: str | PathLike[str]) -> list[Path]:
        """Write the result in every format to a folder; return the paths."""
        return await self._client.run(operations.save_products(await self.refresh(), Path(folder), self._client.retries))

    async def figures(self) -> dict[str, bytes]:
        """Return the figures (PNG) by their names."""
        return await self._client.run(operations.read_figures(await self.refresh(), self._client.retries))

    async def figure_data(self, name: str) -> Any:  # noqa: ANN401 -- JSON
        """Return what a figure (`section` or `families`) shows as parsed JSON: waveforms and travel times, or positions of events."""
        return await self._client.run(operations.read_figure_data(self.id, name, self._client.retries))

    async def save_figures(self, folder: str | PathLike[str]) -> list[Path]:
        """Write the figures (PNG) to a folder; return the paths."""
        return await self._client.run(operations.save_figures(await self.refresh(), Path(folder), self._client.retries))

    async def download_bundle(self, path: str | PathLike[str]) -> Path:
        """Write everything (job, result in every format, figures, uploads) to a zip archive, or into a folder; return its path."""
        return await self._client.run(operations.save_bundle(self.state, Path(path), self._client.retries))

    async def to_catalog(self) -> Any:  # noqa: ANN401 -- ObsPy has no types
        """Return a location that has ended as an ObsPy Catalog; raises NoCatalog for other kinds of jobs."""
        return operations.require_location(await self.result()).to_catalog()


class AsyncClient:
    """
    A client of a Seismic Atlas service with awaited calls.

    Use it as an asynchronous context, or await `close`. Files are read between awaits, in blocks.

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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url, self.retries = choose_address(url), retries or RetryPolicy()
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(base_url=self.url, headers=make_headers(api_key), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def classify(
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
            As in `AsyncJobHandle.wait`.
        timeout_s
            As in `AsyncJobHandle.wait`.
        **options
            See `ClassifyOptions`.

        """
        return await (await self.submit_classify(*sources, **options)).wait(on_progress, timeout_s)

    async def submit_classify(self, *sources: Source, **options: Unpack[ClassifyOptions]) -> AsyncJobHandle[ClassifyResult]:
        """Submit what `classify` takes, and return the job without waiting for it."""
        return await self._submit(operations.CLASSIFY, sources, options)

    async def locate(
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
            As in `AsyncJobHandle.wait`.
        timeout_s
            As in `AsyncJobHandle.wait`.
        **options
            See `LocateOptions`.

        """
        return await (await self.submit_locate(*sources, **options)).wait(on_progress, timeout_s)

    async def submit_locate(self, *sources: Source, **options: Unpack[LocateOptions]) -> AsyncJobHandle[LocateResult]:
        """Submit what `locate` takes, and return the job without waiting for it."""
        return await self._submit(operations.LOCATE, sources, options)

    async def locate_many(
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
            As in `AsyncJobHandle.wait`.
        timeout_s
            As in `AsyncJobHandle.wait`.
        **options
            See `LocateOptions`.

        """
        return await (await self.submit_locate_many(*sources, **options)).wait(on_progress, timeout_s)

    async def submit_locate_many(self, *sources: Source, **options: Unpack[LocateOptions]) -> AsyncJobHandle[LocateManyResult]:
        """Submit what `locate_many` takes, and return the job without waiting for it."""
        return await self._submit(operations.LOCATE_MANY, sources, options)

    async def cluster(
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
            As in `AsyncJobHandle.wait`.
        timeout_s
            As in `AsyncJobHandle.wait`.
        **options
            See `ClusterOptions`.

        """
        return await (await self.submit_cluster(*sources, **options)).wait(on_progress, timeout_s)

    async def submit_cluster(self, *sources: Source, **options: Unpack[ClusterOptions]) -> AsyncJobHandle[ClusterResult]:
        """Submit what `cluster` takes, and return the job without waiting for it."""
        return await self._submit(operations.CLUSTER, sources, options)

    async def job(self, job_id: str) -> AsyncJobHandle[Result]:
        """Return a job by its id, of any kind; raises NotFound."""
        return AsyncJobHandle(self, await self.run(read_job(job_id, self.retries)), Result)

    async def jobs(self, kind: JobKind | None = None, status: Status | None = None) -> AsyncIterator[JobSummary]:
        """Yield own jobs, newest first, those of one kind or status if given; pages are read as they are needed."""
        cursor: str | None = None
        while True:
            page = await self.run(operations.list_jobs(kind, status, PAGE, cursor, self.retries))
            for job in page.jobs:
                yield job
            cursor = page.next
            if cursor is None:
                return

    async def models(self) -> list[Card]:
        """Return the cards of the models of the service: versions, training data, scores, limits."""
        return await self.run(operations.list_models(self.retries))

    async def ready(self) -> Ready:
        """Return the state of a service that is ready; raises ServiceUnavailable otherwise."""
        return await self.run(operations.read_readiness(self.retries))

    async def explain(self, code: str) -> ProblemExplanation:
        """Return what a problem `code` means, and what can be done about it."""
        return await self.run(operations.explain_problem(code, self.retries))

    async def _submit(self, submission: Submission[R], sources: tuple[Source, ...], options: Any) -> AsyncJobHandle[R]:  # noqa: ANN401 -- a TypedDict
        job = await self.run(operations.submit(submission, sources, options, self.retries))
        return AsyncJobHandle(self, job, submission.result_class)

    async def run(self, flow: Flow[T]) -> T:
        """Perform the effects of an operation and return its outcome."""
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = await self._perform(effect)
                except httpx.RequestError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as end:
            outcome_of_flow: T = end.value
            return outcome_of_flow
        finally:
            flow.close()

    async def _perform(self, effect: Effect) -> Answer | None:
        if isinstance(effect, Sleep):
            await asyncio.sleep(effect.seconds)
            return None
        arguments = make_arguments(effect.request, self._timeout_s)
        if isinstance(effect, Send):
            response = await self._http.request(**arguments)
            return make_answer(response, response.content)
        async with self._http.stream(**arguments) as response:
            if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                return make_answer(response, await response.aread())
            if isinstance(effect, Save):
                await self._save(response, effect)
            else:
                await self._follow(response, effect)
            return make_answer(response)

    @staticmethod
    async def _save(response: httpx.Response, effect: Save) -> None:
        with write_whole(effect.path) as file:
            async for block in response.aiter_bytes():
                file.write(block)

    @staticmethod
    async def _follow(response: httpx.Response, effect: Follow) -> None:
        async for line in response.aiter_lines():
            if effect.accept_line(line):
                return
