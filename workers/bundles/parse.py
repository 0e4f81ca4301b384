"""From a bundle's files to the records of its events; runs in the limited child process and is plain Python besides."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import AtlasError, LimitExceeded, NoUsableTrace, UnsupportedPart
from models.seismic.data_issues import DataIssue
from models.seismic.io.inventory import Inventory, attach_metadata, builtin_inventory, read_stations_csv, read_stationxml
from models.seismic.io.miniseed import MiniseedLimits, Volume, read_records, sample_count, scan_miniseed
from models.seismic.waveforms import Record
from workers.bundles import members
from workers.bundles.archives import Budget
from workers.bundles.members import EventMembers, FileKind, Member

Report = Callable[[str], None]


@dataclass(frozen=True)
class ReadLimits:
    """The limits of workers.settings that a parser keeps to; no secret of the settings goes into the child."""

    max_files: int
    max_unpacked_bytes: int
    max_expansion_ratio: float
    max_events: int
    max_traces: int
    max_segments: int
    max_samples: int
    max_span_s: float
    max_metadata_bytes: int
    memory_bytes: int
    cpu_s: int


@dataclass(frozen=True)
class EventRecords:
    """
    The vertical records of one event, with coordinates and responses where known, and all that was noticed.

    Read alone, each comes with the horizontal ones beside it; of many events nobody asks for them.
    """

    name: str
    records: tuple[Record, ...]
    issues: tuple[DataIssue, ...]


def parse_bundle(parts: Sequence[tuple[str, Path]], limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """
    The bundle's events, one after the other; `report` is told the name of each file before it is parsed.

    One event (`grouped` false) without a usable record raises what is wrong with it; among many it comes without records.
    Problems of parts that belong to no event are told with the first one.
    """
    budget = Budget(limits.max_files, limits.max_unpacked_bytes, limits.max_expansion_ratio)
    report(parts[0][0] if parts else "")
    found, problems = members.walk(parts, budget)
    events = members.group_events(found) if grouped else members.as_one_event(found)
    if not events:
        raise problems[0] if problems else NoUsableTrace("the bundle holds no waveform")
    if len(events) > limits.max_events:
        raise LimitExceeded(f"{len(events):,} events; at most {limits.max_events:,} are read")
    shared = _Shelf(report, limits.max_metadata_bytes)
    samples_left = limits.max_samples
    for event in events:
        reading = _Reading(event, shared, report, problems)
        volumes = reading.scan()
        samples_left -= sample_count(volumes)
        if samples_left < 0:
            raise LimitExceeded(f"more than {limits.max_samples:,} samples in the bundle", part=event.waveforms[0].label)
        yield reading.finish(volumes, limits, alone=not grouped)
        problems = []


class _Shelf:
    """The metadata of a bundle, each file opened once however many events it serves."""

    def __init__(self, report: Report, max_bytes: int) -> None:
        self._report, self._max_bytes = report, max_bytes
        self._books: dict[str, Inventory | AtlasError] = {}
        self._own = builtin_inventory()

    def books(self, metadata: Sequence[Member]) -> tuple[list[Inventory], list[AtlasError]]:
        """StationXML first, then tables, then the own one; and what is wrong with those that cannot be read."""
        ordered = sorted(metadata, key=lambda member: member.kind is not FileKind.STATIONXML)
        opened = [self._open(member) for member in ordered]
        books = [book for book in opened if isinstance(book, Inventory)]
        return [*books, self._own], [error for error in opened if isinstance(error, AtlasError)]

    def _open(self, member: Member) -> Inventory | AtlasError:
        if member.label not in self._books:
            self._report(member.label)
            read = read_stationxml if member.kind is FileKind.STATIONXML else read_stations_csv
            try:
                self._books[member.label] = read(member.load(), member.label, self._max_bytes)
            except LimitExceeded:
                raise
            except AtlasError as error:
                self._books[member.label] = error
        return self._books[member.label]


class _Reading:
    """One event on its way to records, and what goes wrong on it."""

    def __init__(self, event: EventMembers, shelf: _Shelf, report: Report, problems: Sequence[AtlasError]) -> None:
        self._event, self._shelf, self._report = event, shelf, report
        self._problems = list(problems)

    def scan(self) -> list[Volume]:
        """The headers of each waveform file that is one."""
        volumes = []
        for member in self._event.waveforms:
            self._report(member.label)
            try:
                volumes.append(scan_miniseed(member.label, member.load()))
            except LimitExceeded:
                raise
            except AtlasError as error:
                self._problems.append(error)
        return volumes

    def finish(self, volumes: Sequence[Volume], limits: ReadLimits, *, alone: bool) -> EventRecords:
        """The event's records; `alone`, it raises where there are none."""
        books, unread = self._shelf.books(self._event.metadata)
        self._problems += unread
        self._report(", ".join(volume.part for volume in volumes)[:300])
        per_event = MiniseedLimits(limits.max_traces, limits.max_segments, limits.max_samples, limits.max_span_s)
        try:
            bare, issues = read_records(volumes, per_event, horizontals=alone)
        except LimitExceeded as error:
            if alone:
                raise
            bare, issues = [], [_issue(error)]
        records, unplaced = attach_metadata(bare, books)
        if alone and not records:
            raise self._reason(issues)
        told = [_issue(problem) for problem in self._problems]
        told += [issue for book in books for issue in book.issues]
        return EventRecords(self._event.name, tuple(records), (*told, *issues, *unplaced))

    def _reason(self, issues: Sequence[DataIssue]) -> AtlasError:
        """Why there is no record: the first part at fault, else what the records themselves lack."""
        waveforms = [problem for problem in self._problems if not isinstance(problem, UnsupportedPart)]
        if waveforms or self._problems:
            return (waveforms or self._problems)[0]
        said = "; ".join(dict.fromkeys(f"{issue.trace or issue.part}: {issue.detail}" for issue in issues[:5]))
        return NoUsableTrace(f"no usable vertical record ({said or 'no samples'})", part=self._event.waveforms[0].label)


def _issue(problem: AtlasError) -> DataIssue:
    return DataIssue(None, problem.part, problem.code, problem.detail)
