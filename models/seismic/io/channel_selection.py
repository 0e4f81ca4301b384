"""One vertical record a station: its other bands and locations would count the station twice."""

from collections.abc import Sequence

import numpy as np

from models.seismic.data_issues import DataIssue
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

BANDS = "BHLMCFVUESDGAW"
"""Band codes in order of preference: broadband, then long-period, then the extended ones, short-period last (SEED 2.4, appendix A)."""

INSTRUMENTS = "HLGN"
"""Instrument codes in order of preference: high gain, low gain, gravimeter, accelerometer."""

ENOUGH = 0.9
"""A record that is alive for this share of its station's longest one is not shorter in earnest."""


def select_channels(records: Sequence[Record]) -> tuple[list[Record], list[DataIssue]]:
    """
    The preferred vertical record of every station, in order of trace id, and a issue on each one passed over.

    Preferred is what is alive longest (within 10 percent), then band, instrument, location (empty, 00, 10, ...) and channel.
    """
    stations: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.trace_id.component == "Z":
            stations.setdefault(record.trace_id.station_key, []).append(record)
    chosen, issues = [], []
    for _, candidates in sorted(stations.items()):
        longest_s = max(_live_s(record) for record in candidates)
        best = min((r for r in candidates if _live_s(r) >= ENOUGH * longest_s), key=lambda record: _preference(record.trace_id))
        chosen.append(best)
        issues += [_passed_over(record, best) for record in candidates if record is not best]
    return chosen, issues


def _live_s(record: Record) -> float:
    return float(np.count_nonzero(np.isfinite(record.samples)) / record.sampling_rate_hz)


def _preference(trace_id: TraceId) -> tuple[int, int, str, str]:
    band, instrument = trace_id.channel[:1], trace_id.channel[1:2]
    return _rank(BANDS, band), _rank(INSTRUMENTS, instrument), trace_id.location, trace_id.channel


def _rank(order: str, code: str) -> int:
    return order.index(code) if code and code in order else len(order)


def _passed_over(record: Record, best: Record) -> DataIssue:
    return DataIssue(str(record.trace_id), None, "not-chosen", f"{best.trace_id} is used for this station")
