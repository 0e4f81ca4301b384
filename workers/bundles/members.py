"""Members of a bundle (uploaded parts and files of archives), classified by format and grouped into events."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from models.errors import AtlasError, LimitExceeded, UnreadableArchive, UnsupportedPart
from models.seismic.io.seed_headers import has_station_headers, split_control_headers
from workers.bundles.archives import Budget, Entry, gunzip, gunzip_head, member_label, walk_tar, walk_zip
from workers.bundles.formats import ARCHIVES, HEAD_BYTES, WAVEFORMS, FileKind, classify_file, describe_unsupported, sniff_format

_SUFFIXES = re.compile(r"(\.(mseed[23]?|miniseed|msd|ms3?|seed|sac|zip|tar|tgz|gz))+$", re.IGNORECASE)


@dataclass(frozen=True)
class Member:
    """
    A file of the bundle; `load()` reads all of it.

    `label` names it in messages. `archive` is the part that holds it, None for a file that is a part itself, and `folder`
    its folder in the archive, empty at the top.
    """

    label: str
    name: str
    folder: str
    archive: str | None
    kind: FileKind
    load: Callable[[], bytes]


@dataclass(frozen=True)
class EventMembers:
    """The waveform files of one event and its metadata files, those of its own folder first."""

    name: str
    waveforms: tuple[Member, ...]
    metadata: tuple[Member, ...]


def walk_bundle(parts: Sequence[tuple[str, Path]], budget: Budget) -> tuple[list[Member], list[AtlasError]]:
    """
    List all members of the bundle, and the errors of the parts that are left out.

    An archive that holds anything refused is left out as a whole. Raises LimitExceeded.
    """
    members: list[Member] = []
    problems: list[AtlasError] = []
    for name, path in parts:
        try:
            found, unsupported = _walk_part(name, path, budget)
        except LimitExceeded:
            raise
        except AtlasError as error:
            problems.append(error)
            continue
        members += found
        problems += unsupported
    return members, problems


def group_as_one_event(members: Sequence[Member]) -> list[EventMembers]:
    """Group all members into one event, named after the first waveform file; no event without a waveform file."""
    waveforms = tuple(member for member in members if member.kind in WAVEFORMS)
    metadata = tuple(member for member in members if member.kind not in WAVEFORMS)
    return [EventMembers(_stem(waveforms[0].name), waveforms, metadata)] if waveforms else []


def group_events(members: Sequence[Member]) -> list[EventMembers]:
    """
    Group members into events: one for every waveform file that is a part or at the top of an archive, one for every folder.

    Metadata in a folder with waveforms apply to that event; all others apply to every event. Events are in the order of
    the upload. Equal names are made unique by the name of the archive, then by a number.
    """
    groups: dict[tuple[str | None, str, str], list[Member]] = {}
    for number, member in enumerate(members):
        if member.kind in WAVEFORMS:
            key = (member.archive, member.folder, "" if member.folder else str(number))
            groups.setdefault(key, []).append(member)
    local: dict[tuple[str | None, str], list[Member]] = {(archive, folder): [] for archive, folder, _ in groups if folder}
    common: list[Member] = []
    for member in members:
        if member.kind not in WAVEFORMS:
            local.get((member.archive, member.folder), common).append(member)
    names = _unique_names([_event_name(waveforms[0]) for waveforms in groups.values()])
    return [
        EventMembers(name, tuple(waveforms), (*local.get((archive, folder), ()), *common))
        for name, ((archive, folder, _), waveforms) in zip(names, groups.items(), strict=True)
    ]


def _walk_part(name: str, path: Path, budget: Budget) -> tuple[list[Member], list[AtlasError]]:
    """List the members of one part, and the errors of its unsupported ones; raises what `walk_bundle` collects."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind = sniff_format(head)
    if kind is FileKind.ZIP:
        return _list_archive(walk_zip(path, name, budget), name, budget)
    if kind is FileKind.TAR:
        return _list_archive(walk_tar(path.read_bytes(), name, budget), name, budget)
    budget.count_file(name)
    if kind is FileKind.GZIP:
        inner = gunzip_head(head)
        inner_kind = sniff_format(inner)
        if inner_kind is FileKind.TAR:
            return _list_archive(walk_tar(gunzip(path.read_bytes(), name, budget), name, budget), name, budget)
        if inner_kind in ARCHIVES:
            raise UnreadableArchive(f"{name} is an archive in an archive, which is refused; pack its files instead", part=name)
        return _make_members(name, name, "", None, inner, lambda: gunzip(path.read_bytes(), name, budget)), []
    return _make_members(name, name, "", None, head, path.read_bytes), []


def _list_archive(entries: Iterator[Entry], archive: str, budget: Budget) -> tuple[list[Member], list[AtlasError]]:
    """List an archive's members, and the errors of its unsupported files; raises UnreadableArchive if it holds an archive."""
    members: list[Member] = []
    unsupported: list[AtlasError] = []
    for entry in entries:
        name = member_label(archive, entry.path)
        try:
            members += _members_of_entry(entry, name, archive, budget)
        except UnsupportedPart as error:
            unsupported.append(error)
    return members, unsupported


def _members_of_entry(entry: Entry, name: str, archive: str, budget: Budget) -> list[Member]:
    packed = sniff_format(entry.head) is FileKind.GZIP
    head = gunzip_head(entry.head) if packed else entry.head
    if sniff_format(head) in ARCHIVES:
        raise UnreadableArchive(f"{name} is an archive in an archive, which is refused; pack its files instead", part=archive)
    folder = "" if entry.path.parent == PurePosixPath(".") else str(entry.path.parent)
    load = (lambda: gunzip(entry.load(), name, budget)) if packed else entry.load
    return _make_members(name, entry.path.name, folder, archive, head, load)


def _make_members(label: str, file: str, folder: str, archive: str | None, head: bytes, load: Callable[[], bytes]) -> list[Member]:
    """Return the members that a file is: a full SEED volume holds waveforms and metadata. Raises UnsupportedPart."""
    kind = classify_file(file, head)
    if kind is None:
        raise UnsupportedPart(f"{label} {describe_unsupported(head)}", part=label)
    if kind is not FileKind.SEED:
        return [Member(label, file, folder, archive, kind, load)]
    load = cache(load)
    return [Member(label, file, folder, archive, role, load) for role in _find_roles(load())]


def _find_roles(volume: bytes) -> list[FileKind]:
    """Return what a SEED volume holds: waveforms, metadata of stations, or both."""
    headers, records = split_control_headers(volume)
    roles = [FileKind.SEED] if has_station_headers(headers) else []
    return [FileKind.WAVEFORM, *roles] if len(records) or not roles else roles


def _event_name(waveform: Member) -> tuple[str, str]:
    """Return an event's name, and a longer one for the case that two events have the same."""
    name = PurePosixPath(waveform.folder).name if waveform.folder else _stem(PurePosixPath(waveform.name).name)
    return name, f"{_stem(waveform.archive)}/{waveform.folder or name}" if waveform.archive else name


def _unique_names(names: Sequence[tuple[str, str]]) -> list[str]:
    """Choose short or long names from pairs of both, and number those that are still equal."""
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
    """Return a file name without the suffixes of accepted formats; other suffixes stay, as in `IU.ANMO.00.LHZ`."""
    return _SUFFIXES.sub("", name) or name
