"""A bundle's parts and archives as classified members, told by their content, and grouped into events."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from models.errors import AtlasError, LimitExceeded, UnreadableArchive, UnsupportedPart
from workers.bundles.archives import HEAD_BYTES, Budget, Entry, gunzip, gunzip_head, label, walk_tar, walk_zip
from workers.contracts import WAVEFORM_NAMES

_MINISEED = re.compile(rb"MS\x03|\x00*[0-9 \x00]{6}[DRQMVASTDE][ \x00]")
_SUFFIXES = re.compile(r"(\.(mseed[23]?|miniseed|msd|ms3?|seed|zip|tar|tgz|gz))+$", re.IGNORECASE)


class FileKind(StrEnum):
    """What a member is."""

    WAVEFORM = "waveform"
    STATIONXML = "stationxml"
    STATIONS_CSV = "stations-csv"


@dataclass(frozen=True)
class Member:
    """
    A file of the bundle, not yet read.

    `label` names it to the user; `folder` is the archive's folder it lies in (empty at the top), and `archive` the part
    that this is, or None for a part of its own.
    """

    label: str
    name: str
    folder: str
    archive: str | None
    kind: FileKind
    load: Callable[[], bytes]


@dataclass(frozen=True)
class EventMembers:
    """The waveforms of one event and the metadata that serve it, those nearest to it first."""

    name: str
    waveforms: tuple[Member, ...]
    metadata: tuple[Member, ...]


def walk(parts: Sequence[tuple[str, Path]], budget: Budget) -> tuple[list[Member], list[AtlasError]]:
    """
    All members of the bundle, and what is wrong with the parts that are left out.

    Raises LimitExceeded; an archive with anything refused in it is left out as a whole.
    """
    members: list[Member] = []
    problems: list[AtlasError] = []
    for name, path in parts:
        try:
            found, unknown = _part(name, path, budget)
        except LimitExceeded:
            raise
        except AtlasError as error:
            problems.append(error)
            continue
        members += found
        problems += unknown
    return members, problems


def as_one_event(members: Sequence[Member]) -> list[EventMembers]:
    """All members as one event; none where there is no waveform."""
    waveforms = tuple(member for member in members if member.kind is FileKind.WAVEFORM)
    metadata = tuple(member for member in members if member.kind is not FileKind.WAVEFORM)
    return [EventMembers(_stem(waveforms[0].name), waveforms, metadata)] if waveforms else []


def group_events(members: Sequence[Member]) -> list[EventMembers]:
    """
    An event for every waveform that is a part or lies at the top of an archive, and for every folder with waveforms.

    Metadata in such a folder serve its event; all others serve every event. Names are made unique by the archive's
    name and then by a number, in the order of the upload.
    """
    groups: dict[tuple[str | None, str, str], list[Member]] = {}
    for number, member in enumerate(members):
        if member.kind is FileKind.WAVEFORM:
            key = (member.archive, member.folder, "" if member.folder else str(number))
            groups.setdefault(key, []).append(member)
    local: dict[tuple[str | None, str], list[Member]] = {(archive, folder): [] for archive, folder, _ in groups if folder}
    common: list[Member] = []
    for member in members:
        if member.kind is not FileKind.WAVEFORM:
            local.get((member.archive, member.folder), common).append(member)
    names = _unique([_event_name(waveforms[0]) for waveforms in groups.values()])
    return [
        EventMembers(name, tuple(waveforms), (*local.get((archive, folder), ()), *common))
        for name, ((archive, folder, _), waveforms) in zip(names, groups.items(), strict=True)
    ]


def kind_of(name: str, head: bytes) -> FileKind | None:
    """Told by the first bytes; by the name only where those say nothing. None is no accepted kind."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _MINISEED.match(head):
        return FileKind.WAVEFORM
    if (start.startswith(b"<") and b"FDSNStationXML" in head) or head[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<"):
        return FileKind.STATIONXML
    columns = start.split(b"\n", 1)[0].lower()
    if b"station" in columns and b"latitude" in columns:
        return FileKind.STATIONS_CSV
    lowered = name.lower().removesuffix(".gz")
    if lowered.endswith(WAVEFORM_NAMES) or (head and not head.strip(b"\0")):
        return FileKind.WAVEFORM
    if lowered.endswith(".csv"):
        return FileKind.STATIONS_CSV
    return FileKind.STATIONXML if lowered.endswith(".xml") and start.startswith(b"<") else None


def _part(name: str, path: Path, budget: Budget) -> tuple[list[Member], list[AtlasError]]:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if _is_zip(head):
        return _members(walk_zip(path, name, budget), name, budget)
    if _is_tar(head):
        return _members(walk_tar(path.read_bytes(), name, budget), name, budget)
    budget.take_file(name)
    if _is_gzip(head):
        inner = gunzip_head(head)
        if _is_tar(inner):
            return _members(walk_tar(gunzip(path.read_bytes(), name, budget), name, budget), name, budget)
        if _is_zip(inner) or _is_gzip(inner):
            raise UnreadableArchive(f"{name} is an archive in an archive, which is refused", part=name)
        return [_member(name, name, "", None, inner, lambda: gunzip(path.read_bytes(), name, budget))], []
    return [_member(name, name, "", None, head, path.read_bytes)], []


def _members(entries: Iterator[Entry], archive: str, budget: Budget) -> tuple[list[Member], list[AtlasError]]:
    """Members of an archive and those of no accepted kind; raises UnreadableArchive where an archive is among them."""
    members: list[Member] = []
    unknown: list[AtlasError] = []
    for entry in entries:
        name = label(archive, entry.path)
        try:
            members.append(_archived(entry, name, archive, budget))
        except UnsupportedPart as error:
            unknown.append(error)
    return members, unknown


def _archived(entry: Entry, name: str, archive: str, budget: Budget) -> Member:
    packed = _is_gzip(entry.head)
    head = gunzip_head(entry.head) if packed else entry.head
    if _is_zip(head) or _is_tar(head) or _is_gzip(head):
        raise UnreadableArchive(f"{name} is an archive in an archive, which is refused", part=archive)
    folder = "" if entry.path.parent == PurePosixPath(".") else str(entry.path.parent)
    load = (lambda: gunzip(entry.load(), name, budget)) if packed else entry.load
    return _member(name, entry.path.name, folder, archive, head, load)


def _member(name: str, file: str, folder: str, archive: str | None, head: bytes, load: Callable[[], bytes]) -> Member:
    kind = kind_of(file, head)
    if kind is None:
        raise UnsupportedPart(f"{name} is neither miniSEED, StationXML, a table of stations nor an archive of those", part=name)
    return Member(name, file, folder, archive, kind, load)


def _event_name(waveform: Member) -> tuple[str, str]:
    """The event's name, and a longer one for where two are alike."""
    name = PurePosixPath(waveform.folder).name if waveform.folder else _stem(PurePosixPath(waveform.name).name)
    return name, f"{_stem(waveform.archive)}/{waveform.folder or name}" if waveform.archive else name


def _unique(names: Sequence[tuple[str, str]]) -> list[str]:
    counts = Counter(short for short, _ in names)
    chosen = [short if counts[short] == 1 else long for short, long in names]
    taken: set[str] = set()
    unique = []
    for wanted in chosen:
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}-{number}", number + 1
        taken.add(name)
        unique.append(name)
    return unique


def _stem(name: str) -> str:
    """Without the suffixes that this service knows; `IU.ANMO.00.LHZ` keeps its last code."""
    return _SUFFIXES.sub("", name) or name


def _is_zip(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _is_gzip(head: bytes) -> bool:
    return head.startswith(b"\x1f\x8b")


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"
