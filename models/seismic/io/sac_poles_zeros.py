"""Reading of SAC poles and zeros: responses to ground displacement in meters, with the channel in comments or in the file's name."""

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np

from models.errors import UnreadableMetadata
from models.seismic.data_issues import DataIssue
from models.seismic.io.instrument_response import Instrument, scale_units
from models.seismic.io.inventory import Coordinates, Epoch, Inventory, check_metadata_size
from models.seismic.trace_id import TraceId

REFERENCE_HZ: Final = 1.0
MAX_ROOTS: Final = 1_000
"""Zeros or poles of a channel; those that are counted and not listed take memory for a few bytes of a file."""

_ALIASES: Final = {
    **{
        name: name
        for name in ("NETWORK", "STATION", "LOCATION", "CHANNEL", "START", "END", "LATITUDE", "LONGITUDE", "ELEVATION", "AZIMUTH")
    },
    **{"COMPONENT": "CHANNEL", "EFFECTIVE": "START", "ENDDATE": "END", "INPUT UNIT": "INPUT", "INPUT UNITS": "INPUT"},
    **{"LAT-SEED": "LATITUDE", "LONG-SEED": "LONGITUDE", "ELEV-SEED": "ELEVATION"},
}
_COMMENT: Final = re.compile(rf"\*\s*(?P<name>{'|'.join(_ALIASES)})(?![^\s:(])(?P<rest>.*)", re.IGNORECASE)
_ORDINAL_DATE: Final = "%Y,%j,%H:%M:%S"
_NAME: Final = re.compile(r"SAC_?PZs?_([A-Za-z0-9]{1,8})_([A-Za-z0-9]{1,8})_([A-Za-z0-9]{3})(?:_([A-Za-z0-9-]{0,2}))?(?:_|\.|$)")
_NUMBERS: Final = ("ZEROS", "POLES")
_END_OF_EPOCH: Final = "CONSTANT"


@dataclass
class _Block:
    """One channel of a file: its comments, its roots, and its constant once it is complete."""

    comments: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    roots: dict[str, list[complex]] = field(default_factory=lambda: {name: [] for name in _NUMBERS})
    constant: float = math.nan


def read_sac_poles_zeros(data: bytes, part: str, max_bytes: float = math.inf) -> Inventory:
    """
    Read one or several channels of SAC poles and zeros, with coordinates where comments state them.

    Without comments the channel is taken from a file name `SAC_PZs_NET_STA_CHA_LOC`. Raises UnreadableMetadata where a number cannot be
    read or no channel is named, and LimitExceeded above `max_bytes`.
    """
    check_metadata_size(data, part, max_bytes)
    epochs: dict[tuple[str, str], list[Epoch]] = {}
    issues: list[DataIssue] = []
    try:
        blocks = list(_split_blocks(data.decode("utf-8", errors="replace")))
    except (ValueError, IndexError) as error:
        raise UnreadableMetadata(f"{part} is not readable as SAC poles and zeros: {error}", part=part) from error
    for block in blocks:
        trace_id = _read_channel(block, part)
        if trace_id is None:
            issues.append(DataIssue(None, part, "bad-station", "poles and zeros that name no network, station and channel; left out"))
            continue
        epochs.setdefault(trace_id.station_key, []).append(_make_epoch(block, trace_id, part))
    if not epochs:
        detail = "name the channel in comments, or the file SAC_PZs_NET_STA_CHA_LOC"
        raise UnreadableMetadata(f"{part} holds no poles and zeros of a named channel; {detail}", part=part)
    return Inventory(epochs, tuple(issues))


def _split_blocks(text: str) -> Iterator[_Block]:
    """Yield each channel of a file, which ends with its constant; raises ValueError for a number that cannot be read."""
    block, current = _Block(), ""
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0].startswith("*"):
            name, value = _read_comment(line.strip())
            if value:
                block.comments.setdefault(name, value)
        elif words[0].upper() in _NUMBERS:
            current = words[0].upper()
            block.counts[current] = int(words[1])
            if block.counts[current] > MAX_ROOTS:
                raise ValueError(f"{words[1][:20]} {current.lower()}, at most {MAX_ROOTS} are read")
        elif words[0].upper() == _END_OF_EPOCH:
            block.constant = float(words[1])
            yield block
            block, current = _Block(), ""
        elif current:
            block.roots[current].append(complex(float(words[0]), float(words[1])))
        else:
            raise ValueError(f"unexpected line {line.strip()[:40]!r}")


def _read_comment(line: str) -> tuple[str, str]:
    """Name and value of a comment as `* STATION (KSTNM): ANMO`; two empty texts for other comments and for all codes in one (NSCL)."""
    comment = _COMMENT.match(line)
    rest = comment["rest"].strip() if comment else ""
    if comment is None or rest.startswith("(NSCL)"):
        return "", ""
    if rest.startswith("("):
        rest = rest.partition(")")[2].strip()
    return _ALIASES[comment["name"].upper()], rest.removeprefix(":").strip()


def _read_channel(block: _Block, part: str) -> TraceId | None:
    comments = block.comments
    codes = tuple(comments.get(name, "") for name in ("NETWORK", "STATION", "LOCATION", "CHANNEL"))
    named = _NAME.search(part)
    if not (codes[1] and codes[3]) and named:
        codes = named[1], named[2], named[4] or "", named[3]
    try:
        found = TraceId.parse(".".join(code.strip().replace("--", "") for code in codes))
    except ValueError:
        return None
    return found if found.station and found.channel else None


def _make_epoch(block: _Block, trace_id: TraceId, part: str) -> Epoch:
    comments = block.comments
    return Epoch(
        location=trace_id.location,
        channel=trace_id.channel,
        start_s=_read_time(comments.get("START", ""), -math.inf),
        end_s=_read_time(comments.get("END", ""), math.inf),
        coordinates=_read_coordinates(comments),
        instrument=_make_instrument(block),
        azimuth_deg=_read_number(comments.get("AZIMUTH", "")),
        part=part,
    )


def _make_instrument(block: _Block) -> Instrument | None:
    """Make the instrument of poles and zeros in rad/s; roots that are counted and not listed are at the origin."""
    zeros, poles = (tuple(block.roots[name]) + (0j,) * max(block.counts.get(name, 0) - len(block.roots[name]), 0) for name in _NUMBERS)
    try:
        scale, derivative = scale_units(block.comments.get("INPUT", "M").split("(")[0])
    except KeyError:
        return None
    s = 2j * np.pi * REFERENCE_HZ
    with np.errstate(all="ignore"):
        shape = np.prod([s - zero for zero in zeros]) / np.prod([s - pole for pole in poles])
    return Instrument(block.constant * float(abs(shape)) / scale, REFERENCE_HZ, poles, zeros, derivative)


def _read_coordinates(comments: dict[str, str]) -> Coordinates | None:
    latitude, longitude = (_read_number(comments.get(name, "")) for name in ("LATITUDE", "LONGITUDE"))
    if latitude is None or longitude is None or not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 360.0):
        return None
    return Coordinates(latitude, longitude - 360.0 if longitude > 180.0 else longitude, _read_number(comments.get("ELEVATION", "")))


def _read_number(text: str) -> float | None:
    try:
        value = float(text.split(maxsplit=1)[0])
    except (ValueError, IndexError):
        return None
    return value if math.isfinite(value) else None


def _read_time(text: str, otherwise: float) -> float:
    """POSIX time of a date as in 2010-01-01T00:00:00 or 2010,001,00:00:00; `otherwise` where there is none that can be read."""
    for read in (datetime.fromisoformat, lambda date: datetime.strptime(date, _ORDINAL_DATE)):
        with contextlib.suppress(ValueError):
            moment = read(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return otherwise
