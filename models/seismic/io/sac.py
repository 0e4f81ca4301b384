"""Reading of SAC files, binary and alphanumeric, by ObsPy: one trace with, if given, the coordinates of its station."""

import io
import math
import re
import warnings
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from models.errors import UnreadableWaveform
from models.seismic.data_issues import DataIssue, describe_cause
from models.seismic.io.inventory import Coordinates, Epoch, Inventory
from models.seismic.io.volume import WHOLE, Segment, TimeWindow, Volume, make_segment, make_trace_id, report_empty_window
from models.seismic.trace_id import TraceId

if TYPE_CHECKING:
    from obspy.io.sac import SACTrace

_TIME_SERIES: Final = "itime"
_INTERVAL_DIGITS: Final = 6
"""Decimal places of a sampling interval in seconds that are kept, as ObsPy does: it is a 32-bit float, and a rate of 20 Hz is meant."""
_TEXT: Final = re.compile(rb"[\s\dEe+.-]{75}")


def scan_sac(part: str, data: bytes, window: TimeWindow = WHOLE) -> Volume:
    """
    Read a SAC file; raises UnreadableWaveform where it cannot be read.

    Spectra and unevenly sampled series are left out with an issue. Coordinates and component azimuth of the header become an inventory.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            return _scan_trace(_read_trace(data), part, window)
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadableWaveform(f"{part} is not a readable SAC file ({describe_cause(error)})", part=part) from error


@cache
def _make_reader() -> type["SACTrace"]:
    """Make a class that reads as ObsPy does but computes no distance: ObsPy hangs where a longitude in the header is huge."""
    from obspy.io.sac import SACTrace  # noqa: PLC0415 -- takes a second, and most bundles hold no SAC

    return type("SACTraceWithoutDistance", (SACTrace,), {"_set_distances": lambda _self, _force=False: None})


def _read_trace(data: bytes) -> "SACTrace":
    return _make_reader().read(io.BytesIO(data), ascii=_TEXT.match(data) is not None)


def _scan_trace(trace: "SACTrace", part: str, window: TimeWindow) -> Volume:
    issues: list[DataIssue] = []
    trace_id = make_trace_id((trace.knetwk or "", trace.kstnm or "", trace.khole or "", trace.kcmpnm or ""), part, issues)
    segment = None if trace_id is None else _make_segment(trace, trace_id, part, window, issues)
    if segment is not None and window.is_bounded and not segment.count:
        issues.append(report_empty_window(part, window))
        segment = None
    inventory = None if trace_id is None else _read_inventory(trace, trace_id, part)
    return Volume(part, (), tuple(issues), () if segment is None else (segment,), inventory)


def _make_segment(trace: "SACTrace", trace_id: TraceId, part: str, window: TimeWindow, issues: list[DataIssue]) -> Segment | None:
    """Make the segment of an evenly sampled time series with a complete reference time; None, with an issue, of any other."""
    if not trace.leven or trace.iftype != _TIME_SERIES:
        issues.append(DataIssue(str(trace_id), part, "not-waveform", "a spectrum or unevenly sampled series; left out"))
        return None
    if trace.nzyear is None or trace.b is None or not trace.delta:
        issues.append(
            DataIssue(str(trace_id), part, "bad-time", "no reference time, begin time or sampling interval in its header; left out")
        )
        return None
    interval_s = float(trace.delta)
    rate_hz = 1.0 / (round(interval_s, _INTERVAL_DIGITS) or interval_s)
    start_ns = trace.reftime.ns + round(float(trace.b) * 1e9)
    return make_segment(trace_id, part, start_ns, rate_hz, np.asarray(trace.data, np.float32), window)


def _read_inventory(trace: "SACTrace", trace_id: TraceId, part: str) -> Inventory | None:
    """Make an inventory of the coordinates in the header; None without valid ones."""
    latitude, longitude, elevation = trace.stla, trace.stlo, trace.stel
    if latitude is None or longitude is None or not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 360.0):
        return None
    east = float(longitude) - 360.0 if longitude > 180.0 else float(longitude)
    azimuth = None if trace.cmpaz is None or not math.isfinite(trace.cmpaz) else float(trace.cmpaz) % 360.0
    coordinates = Coordinates(float(latitude), east, None if elevation is None else float(elevation))
    epoch = Epoch(trace_id.location, trace_id.channel, -math.inf, math.inf, coordinates, None, azimuth, part, has_response=False)
    return Inventory({trace_id.station_key: (epoch,)})
