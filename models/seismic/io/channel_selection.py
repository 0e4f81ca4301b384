"""Selection of one vertical record for each station: its other bands and locations would count the station twice."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from models.seismic.data_issues import DataIssue
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

BANDS: Final = "BHLMCFVUESDGAW"
"""Band codes in order of preference: broadband, then long-period, then the extended ones, short-period last (SEED 2.4, appendix A)."""

INSTRUMENTS: Final = "HLGN"
"""Instrument codes in order of preference: high gain, low gain, gravimeter, accelerometer."""
ACCELEROMETER: Final = "N"

MIN_LENGTH_FRACTION: Final = 0.9
"""Live length, as a fraction of the station's longest record, from which on a record may be preferred by its codes."""

MIN_UNCLIPPED_FRACTION: Final = 0.5
"""The same for a record that is not clipped, from which on it is preferred to clipped ones."""


def select_channels(records: Sequence[Record], issues: Sequence[DataIssue] = ()) -> tuple[list[Record], list[DataIssue]]:
    """
    Select the preferred vertical record of every station, in order of trace id, and report each one that is not selected.

    Preference: not `clipped` by the issues of reading (and at least half as long; an accelerometer only with its response, without which it
    would be taken for a seismometer), longest live time (within 10 percent), then band, instrument, location (empty, 00, ...) and channel.
    """
    clipped = {issue.trace for issue in issues if issue.code == "clipped"}
    stations: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.trace_id.component == "Z":
            stations.setdefault(record.trace_id.station_key, []).append(record)
    chosen, left_out = [], []
    for _, candidates in sorted(stations.items()):
        if len(candidates) == 1:
            chosen.append(candidates[0])
            continue
        whole = [record for record in _keep_long(candidates, MIN_UNCLIPPED_FRACTION) if _is_whole(record, clipped)]
        best = min(_keep_long(whole or candidates, MIN_LENGTH_FRACTION), key=lambda record: _preference(record.trace_id))
        chosen.append(best)
        left_out += [_not_chosen(record, best) for record in candidates if record is not best]
    return chosen, left_out


def _is_whole(record: Record, clipped: Collection[str | None]) -> bool:
    return str(record.trace_id) not in clipped and (record.response is not None or record.trace_id.channel[1:2] != ACCELEROMETER)


def _keep_long(records: Sequence[Record], fraction: float) -> list[Record]:
    """Keep the records with at least a fraction of the live time of the longest one."""
    longest_s = max(_live_s(record) for record in records)
    return [record for record in records if _live_s(record) >= fraction * longest_s]


def _live_s(record: Record) -> float:
    return float(np.count_nonzero(np.isfinite(record.samples)) / record.sampling_rate_hz)


def _preference(trace_id: TraceId) -> tuple[int, int, str, str]:
    band, instrument = trace_id.channel[:1], trace_id.channel[1:2]
    return _rank(BANDS, band), _rank(INSTRUMENTS, instrument), trace_id.location, trace_id.channel


def _rank(order: str, code: str) -> int:
    return order.index(code) if code and code in order else len(order)


def _not_chosen(record: Record, best: Record) -> DataIssue:
    return DataIssue(str(record.trace_id), None, "not-chosen", f"{best.trace_id} is used for this station")
