"""Watch a folder: submit each new file, archive or folder once, and report its result."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from seismic_atlas_client.base import Result
from seismic_atlas_client.client import Client
from seismic_atlas_client.errors import (
    AtlasClientError,
    JobCanceled,
    NotFound,
    ProblemError,
    ServiceUnavailable,
    ServiceUnreachable,
    TooManyRequests,
)
from seismic_atlas_client.progress import ENDED

STATE_NAME = ".atlas-watch.json"
STATE_VERSION = 1
LEFT_OUT_SUFFIXES = (".xml", ".csv", ".txt", ".json", ".log", ".part", ".tmp", ".crdownload")
"""Suffixes of files at the top that are no event: metadata, notes, and files that are still being written."""

TRANSIENT = (ServiceUnreachable, ServiceUnavailable, TooManyRequests)
REFUSED = "refused"
LOST = "lost"


@dataclass
class WatchedEvent:
    """An entry of the folder that was submitted: its name, job, and the status of the job; `refused` without a job."""

    name: str
    job: str = ""
    status: str = "queued"
    detail: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the job is still to be read."""
        return self.status not in (*ENDED, REFUSED, LOST)


@dataclass
class WatchState:
    """
    What is known of a folder, kept in a file of it.

    `events` are the submitted entries by the digest of their content; `seen` are sizes and times of the entries by name, so that only
    changed ones are read again.
    """

    events: dict[str, WatchedEvent] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> WatchState:
        """Read the state of a folder; a folder without one has seen nothing. Raises AtlasClientError for a file that is none."""
        if not path.exists():
            return cls()
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["version"] != STATE_VERSION:
                raise ValueError(f"version {stored['version']}")
            return cls({digest: WatchedEvent(**event) for digest, event in stored["events"].items()}, stored["seen"])
        except (ValueError, KeyError, TypeError) as error:
            raise AtlasClientError(f"{path} cannot be read ({error}); delete it to begin anew") from error

    def write(self, path: Path) -> None:
        """Write the state such that an interruption leaves the old or the new one."""
        events = {digest: asdict(event) for digest, event in self.events.items()}
        partial = path.with_name(f"{path.name}.part")
        partial.write_text(json.dumps({"version": STATE_VERSION, "events": events, "seen": self.seen}, indent=1), encoding="utf-8")
        partial.replace(path)


Submit = Callable[..., Any]
ReportEvent = Callable[[WatchedEvent, "Result | None"], None]


class FolderWatcher:
    """
    Submits what is new in a folder, and reads the jobs that have ended.

    An entry is submitted when its files have not changed for `settle_s` seconds. The same content is never submitted twice, whatever
    its name: the digest of its files, of the common files and of the options is kept with the job, and is the idempotency key of the
    submission, so that even an interruption between submission and note makes no second job.

    Parameters
    ----------
    client
        Client of the service.
    folder
        Folder to watch; its state is kept in `.atlas-watch.json`.
    kind
        `classify` or `locate`.
    options
        Options of every submission.
    common
        Files that are sent with every event, such as a StationXML.
    settle_s
        Seconds without a change after which an entry is complete.
    report
        Called with each event that has ended, and its result, None where there is none.
    save
        Folder for the results in every format; None: nowhere.

    """

    def __init__(
        self,
        client: Client,
        folder: Path,
        kind: str,
        options: Mapping[str, Any],
        *,
        common: Iterable[Path] = (),
        settle_s: float = 5.0,
        report: ReportEvent = lambda _event, _result: None,
        save: Path | None = None,
    ) -> None:
        self._client, self._folder, self._options = client, folder, dict(options)
        self._submit: Submit = client.submit_classify if kind == "classify" else client.submit_locate
        self._common, self._settle_s, self._report, self._save = tuple(common), settle_s, report, save
        self._path = folder / STATE_NAME
        self._state = WatchState.read(self._path)
        self._salt = hashlib.sha256(json.dumps([kind, self._options, [_hash_files([path]) for path in self._common]]).encode()).hexdigest()
        self._unsettled: dict[str, tuple[str, float]] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing is waited for: every entry is submitted and every job has ended."""
        return not self._unsettled and not any(event.is_open for event in self._state.events.values())

    @property
    def failures(self) -> int:
        """Number of events that were refused, or whose job failed."""
        return sum(event.status in ("failed", REFUSED, LOST) for event in self._state.events.values())

    def step(self) -> None:
        """
        Submit the entries that are new and complete, and read the jobs that are open.

        Raises one of TRANSIENT where the service does not answer; the next step goes on.
        """
        for entry in sorted(self._folder.iterdir()):
            if not entry.name.startswith(".") and (entry.is_dir() or not entry.name.lower().endswith(LEFT_OUT_SUFFIXES)):
                with suppress(FileNotFoundError):  # it was moved away just now
                    self._look_at(entry)
        for event in list(self._state.events.values()):
            if event.is_open:
                self._read_job(event)

    def _look_at(self, entry: Path) -> None:
        files = _list_files(entry)
        signature = hashlib.sha256(json.dumps([(str(path), *_describe_file(path)) for path in files]).encode()).hexdigest()
        if not files or self._state.seen.get(entry.name) == signature:
            self._unsettled.pop(entry.name, None)
            return
        known, since_s = self._unsettled.get(entry.name, ("", 0.0))
        if known != signature:
            self._unsettled[entry.name] = (signature, monotonic())
            if self._settle_s > 0:
                return
        elif monotonic() - since_s < self._settle_s:
            return
        self._submit_once(entry, files)
        self._state.seen[entry.name] = signature
        self._state.write(self._path)
        del self._unsettled[entry.name]

    def _submit_once(self, entry: Path, files: list[Path]) -> None:
        digest = hashlib.sha256(f"{self._salt} {_hash_files(files, entry)}".encode()).hexdigest()
        if digest in self._state.events:
            return
        event = WatchedEvent(entry.name)
        try:
            event.job = self._submit(entry, *self._common, **self._options, idempotency_key=f"atlas-watch-{digest}").id
        except TRANSIENT:
            raise
        except AtlasClientError as error:
            event.status, event.detail = REFUSED, str(error)
        self._state.events[digest] = event
        if event.status == REFUSED:
            self._report(event, None)

    def _read_job(self, event: WatchedEvent) -> None:
        """Read a job; where it has ended, save its products, report its result and note its end."""
        result: Result | None = None
        try:
            job = self._client.job(event.job)
            event.status = job.state.status
            if event.is_open:
                return
            result = job.result()
            if self._save is not None:
                for path in job.save_products(self._save):
                    path.replace(path.with_name(f"{event.name}{path.suffix}"))
        except TRANSIENT:
            raise
        except NotFound as error:
            event.status, event.detail = LOST, str(error)
        except (ProblemError, JobCanceled) as error:
            event.detail = str(error)
        self._state.write(self._path)
        self._report(event, result)


def _list_files(entry: Path) -> list[Path]:
    """Return the files of an entry: itself, or those below it that are not hidden."""
    if entry.is_file():
        return [entry]
    found = []
    for base, folders, files in os.walk(entry):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(base) / name for name in files if not name.startswith(".")]
    return sorted(found)


def _describe_file(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _hash_files(files: Iterable[Path], base: Path | None = None) -> str:
    """Return the SHA-256 of files, with their names below a folder; a file alone has none, so that a renamed copy is the same."""
    whole = hashlib.sha256()
    for path in files:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
        name = "" if base is None or base == path else path.relative_to(base).as_posix()
        whole.update(f"{name}\0{digest.hexdigest()}\n".encode())
    return whole.hexdigest()
