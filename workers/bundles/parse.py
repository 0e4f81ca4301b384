"""
Parsing of a bundle's files into the records of its events.

`parse_bundle` runs in the sandboxed child process (`sandbox`, `sandbox_child`); it does not depend on it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import AtlasError, LimitExceeded, NoUsableTrace, UnsupportedPart
from models.seismic.data_issues import DataIssue, describe_issues
from models.seismic.io.channel_selection import select_channels
from models.seismic.io.inventory import Inventory, attach_metadata, builtin_inventory, read_stations_csv, read_stationxml
from models.seismic.io.miniseed import MiniseedLimits, read_records, sample_count, scan_miniseed
from models.seismic.io.obspy_metadata import read_by_obspy
from models.seismic.io.sac import scan_sac
from models.seismic.io.sac_poles_zeros import read_sac_poles_zeros
from models.seismic.io.seed_headers import split_control_headers
from models.seismic.io.volume import WHOLE, TimeWindow, Volume
from models.seismic.signal.common_disturbances import remove_common_disturbances
from models.seismic.waveforms import Record
from workers.bundles import members
from workers.bundles.archives import Budget
from workers.bundles.formats import FileKind
from workers.bundles.members import EventMembers, Member

METADATA_ORDER = (FileKind.STATIONXML, FileKind.SEISCOMP, FileKind.SEED, FileKind.RESP, FileKind.SAC_POLES_ZEROS, FileKind.STATIONS_CSV)
"""Kinds of metadata in order of precedence; after them what waveform files state themselves, then the built-in list."""

MAX_NAMES = 3
"""Files that a message names."""

ReportFile = Callable[[str], None]
"""Receives the label of the file that is parsed next, so that a crash can be attributed to it."""


@dataclass(frozen=True)
class ReadLimits:
    """
    Limits of one bundle and of the parsing process: the part of `workers.settings` that the child may know, without secrets.

    Samples outside `window` are not read and do not count. Horizontal components of many events are read if `horizontals` is set.
    """

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
    window: TimeWindow = WHOLE
    horizontals: bool = False


@dataclass(frozen=True)
class EventRecords:
    """
    One vertical record a station of one event, in order of network and station, and all data issues found in the event.

    Records have coordinates and responses where metadata provide them. A record of a single event also has its horizontal
    components; for the events of a group these are read on request.
    """

    name: str
    records: tuple[Record, ...]
    issues: tuple[DataIssue, ...]


def parse_bundle(parts: Sequence[tuple[str, Path]], limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """
    Parse a bundle and yield its events one after the other; issues of parts that belong to no event are with the first.

    Parameters
    ----------
    parts
        Names and paths of the uploaded files.
    limits
        Limits of the bundle.
    grouped
        Yield many events (`members.group_events`) instead of one. An event without usable records raises if it is the
        only one; among many it is yielded without records, with its issues.
    report
        Called with the label of each file before it is parsed.

    Raises
    ------
    LimitExceeded
        Over any limit.
    AtlasError
        The first error of a bundle without any event, or of a single event without any usable record.

    """
    budget = Budget(limits.max_files, limits.max_unpacked_bytes, limits.max_expansion_ratio)
    report(parts[0][0] if parts else "")
    found, problems = members.walk_bundle(parts, budget)
    events = members.group_events(found) if grouped else members.group_as_one_event(found)
    if not events:
        raise problems[0] if problems else _error_without_waveforms(found)
    if len(events) > limits.max_events:
        raise LimitExceeded(f"{len(events):,} events; at most {limits.max_events:,} are read")
    metadata = _MetadataCache(report, limits.max_metadata_bytes)
    samples_left = limits.max_samples
    for event in events:
        reader = _EventReader(event, metadata, report, problems, limits.window)
        volumes = reader.scan()
        samples_left -= sample_count(volumes)
        if samples_left < 0:
            raise LimitExceeded(f"more than {limits.max_samples:,} samples in the bundle", part=event.waveforms[0].label)
        yield reader.read(volumes, limits, single=not grouped)
        problems = []


class _MetadataCache:
    """The metadata files of a bundle, each parsed once however many events it applies to."""

    def __init__(self, report: ReportFile, max_bytes: int) -> None:
        self._report, self._max_bytes = report, max_bytes
        self._inventories: dict[str, Inventory | AtlasError] = {}
        self.builtin = builtin_inventory()

    def inventories(self, metadata: Sequence[Member]) -> tuple[list[Inventory], list[AtlasError]]:
        """Return the inventories of the files in order of precedence, and the errors of unreadable files."""
        ordered = sorted(metadata, key=lambda member: METADATA_ORDER.index(member.kind))
        results = [self._parse(member) for member in ordered]
        inventories = [result for result in results if isinstance(result, Inventory)]
        return inventories, [result for result in results if isinstance(result, AtlasError)]

    def list_readable(self, metadata: Sequence[Member]) -> list[tuple[str, Inventory]]:
        """Return names and inventories of the readable files."""
        results = [(member.label, self._parse(member)) for member in metadata]
        return [(label, result) for label, result in results if isinstance(result, Inventory)]

    def _parse(self, member: Member) -> Inventory | AtlasError:
        if member.label not in self._inventories:
            self._report(member.label)
            try:
                self._inventories[member.label] = read_metadata(member.kind, member.load(), member.label, self._max_bytes)
            except LimitExceeded:
                raise
            except AtlasError as error:
                self._inventories[member.label] = error
        return self._inventories[member.label]


def read_metadata(kind: FileKind, data: bytes, part: str, max_bytes: float) -> Inventory:
    """Read a metadata file of a known kind; raises UnreadableMetadata, and LimitExceeded above `max_bytes`."""
    match kind:
        case FileKind.STATIONXML:
            return read_stationxml(data, part, max_bytes)
        case FileKind.SEISCOMP:
            return read_by_obspy(data, part, max_bytes, "SCML")
        case FileKind.SEED:
            return read_by_obspy(bytes(split_control_headers(data)[0]), part, max_bytes, "SEED")
        case FileKind.RESP:
            return read_by_obspy(data, part, max_bytes, "RESP")
        case FileKind.SAC_POLES_ZEROS:
            return read_sac_poles_zeros(data, part, max_bytes)
        case _:
            return read_stations_csv(data, part, max_bytes)


class _EventReader:
    """Reads one event: first the headers of its waveform files (`scan`), then its records (`read`)."""

    def __init__(
        self, event: EventMembers, metadata: _MetadataCache, report: ReportFile, problems: Sequence[AtlasError], window: TimeWindow
    ) -> None:
        self._event, self._metadata, self._report, self._window = event, metadata, report, window
        self._problems = list(problems)

    def scan(self) -> list[Volume]:
        """Scan the headers of each readable waveform file."""
        volumes = []
        for member in self._event.waveforms:
            self._report(member.label)
            try:
                scan = scan_sac if member.kind is FileKind.SAC else scan_miniseed
                volumes.append(scan(member.label, member.load(), self._window))
            except LimitExceeded:
                raise
            except AtlasError as error:
                self._problems.append(error)
        return volumes

    def read(self, volumes: Sequence[Volume], limits: ReadLimits, *, single: bool) -> EventRecords:
        """Read the records, attach metadata and select one record a station; a single event without records raises."""
        inventories, unreadable = self._metadata.inventories(self._event.metadata)
        inventories += [volume.inventory for volume in volumes if volume.inventory is not None]
        self._problems += unreadable
        self._report(", ".join(volume.part for volume in volumes)[:300])
        per_event = MiniseedLimits(limits.max_traces, limits.max_segments, limits.max_samples, limits.max_span_s)
        try:
            bare, issues = read_records(volumes, per_event, horizontals=single or limits.horizontals)
        except LimitExceeded as error:
            if single:
                raise
            bare, issues = [], [_issue_of(error)]
        records, metadata_issues = attach_metadata(bare, [*inventories, self._metadata.builtin])
        if single and not records:
            raise self._error_without_records(issues)
        selected, selection_issues = select_channels(records, issues)
        selected, disturbances = remove_common_disturbances(selected)
        first = [_issue_of(problem) for problem in self._problems]
        first += [issue for inventory in inventories for issue in inventory.issues]
        first += _find_unused(self._metadata.list_readable(self._event.metadata), records) if single else []
        return EventRecords(self._event.name, tuple(selected), (*first, *issues, *metadata_issues, *selection_issues, *disturbances))

    def _error_without_records(self, issues: Sequence[DataIssue]) -> AtlasError:
        """Return the error of the first bad part, preferring waveform files, or NoUsableTrace with the first issues."""
        waveforms = [problem for problem in self._problems if not isinstance(problem, UnsupportedPart)]
        if waveforms or self._problems:
            return (waveforms or self._problems)[0]
        return NoUsableTrace(f"no usable vertical record: {describe_issues(issues)}", part=self._event.waveforms[0].label)


def _error_without_waveforms(found: Sequence[Member]) -> NoUsableTrace:
    names = ", ".join(dict.fromkeys(member.label for member in found[:MAX_NAMES]))
    more = f" and {len(found) - MAX_NAMES} more" if len(found) > MAX_NAMES else ""
    return NoUsableTrace(f"the bundle holds no waveforms{f', only {names}{more}' if names else ''}; add miniSEED or SAC files")


def _find_unused(inventories: Sequence[tuple[str, Inventory]], records: Sequence[Record]) -> list[DataIssue]:
    """Report each metadata file that describes none of the recorded stations, as one of another network or event."""
    recorded = {record.trace_id.station_key for record in records}
    unused = [(part, list(inventory.epochs)) for part, inventory in inventories if not recorded & set(inventory.epochs)]
    return [DataIssue(None, part, "unused-metadata", _describe_unused(stations)) for part, stations in unused if stations and recorded]


def _describe_unused(stations: Sequence[tuple[str, str]]) -> str:
    named = ", ".join([*(".".join(key) for key in stations[:MAX_NAMES]), *(["..."] if len(stations) > MAX_NAMES else [])])
    return f"none of its {len(stations)} stations ({named}) is recorded in the bundle; not used; check the codes of network and station"


def _issue_of(problem: AtlasError) -> DataIssue:
    return DataIssue(None, problem.part, problem.code, problem.detail)
