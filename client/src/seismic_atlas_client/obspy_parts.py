"""Objects of ObsPy as bytes: a Stream as miniSEED, an Inventory as StationXML. ObsPy is imported by those who have such objects."""

from __future__ import annotations

import io
from typing import Any

INT32_LIMIT = 2**31


def is_stream(source: object) -> bool:
    """Return whether an object is a Stream or a Trace of ObsPy."""
    return _is_of_obspy(source, "Stream") or _is_of_obspy(source, "Trace")


def is_inventory(source: object) -> bool:
    """Return whether an object is an Inventory of ObsPy."""
    return _is_of_obspy(source, "Inventory")


def _is_of_obspy(source: object, name: str) -> bool:
    """Return whether a class of that name in ObsPy is among the classes of an object; ObsPy need not be installed."""
    return any(kind.__name__ == name and kind.__module__.split(".")[0] == "obspy" for kind in type(source).__mro__)


def write_stream(stream: Any) -> bytes:  # noqa: ANN401 -- ObsPy has no types
    """
    Write a Stream or Trace as miniSEED.

    Masked samples are gaps. Integers of 64 bits are written with 32 where they fit, else as floats, since miniSEED has no such
    integers; floats of 16 bits as floats of 32. Raises ValueError for a stream without samples.
    """
    from obspy import Stream  # noqa: PLC0415 -- whoever has a stream has ObsPy

    traces = list(stream) if _is_of_obspy(stream, "Stream") else [stream]
    buffer = io.BytesIO()
    for trace in Stream(traces).split():
        if trace.stats.npts:
            _copy_trace(trace).write(buffer, format="MSEED")  # one by one, since a file of several encodings is warned of
    if not buffer.tell():
        raise ValueError("the stream holds no samples")
    return buffer.getvalue()


def _copy_trace(trace: Any) -> Any:  # noqa: ANN401 -- ObsPy has no types
    """Return a trace whose samples have a type of miniSEED, without what another format has left in its header."""
    from obspy import Trace  # noqa: PLC0415

    names = ("network", "station", "location", "channel", "starttime", "sampling_rate")
    return Trace(_convert_samples(trace.data), {name: trace.stats[name] for name in names})


def _convert_samples(samples: Any) -> Any:  # noqa: ANN401 -- numpy comes with ObsPy
    """Return samples as int32, float32 or float64."""
    kind, size = samples.dtype.kind, samples.dtype.itemsize
    if kind == "f":
        return samples.astype("float64" if size > 4 else "float32")
    fits = kind == "b" or size < 4 or (abs(int(samples.max())) < INT32_LIMIT and abs(int(samples.min())) < INT32_LIMIT)
    return samples.astype("int32" if fits else "float64")


def write_inventory(inventory: Any) -> bytes:  # noqa: ANN401 -- ObsPy has no types
    """Write an Inventory as StationXML."""
    buffer = io.BytesIO()
    inventory.write(buffer, format="STATIONXML")
    return buffer.getvalue()
