"""Synthetic recordings as the bytes of files; loaded by the fixture of the same name."""

import gzip
import io
import tarfile
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymseed import DataEncoding, MS3TraceList, nslc2sourceid

START_S = 1_262_304_000
"""2010-01-01."""


def wave(count: int = 600, amplitude: float = 1000.0, seed: int = 1) -> NDArray[np.int32]:
    """Noise in counts, and from a third of the record on an oscillation that fades: an event that a detector sees."""
    rng = np.random.default_rng(seed)
    after = np.arange(count) - count // 3
    event = np.where(after >= 0, np.exp(-np.maximum(after, 0) / (0.2 * count)) * np.sin(after / 9.0), 0.0)
    return np.asarray(amplitude * event + rng.normal(0, amplitude / 20, count), np.int32)


def miniseed(*stretches: tuple[str, float, float, NDArray[Any]], version: int = 2, reclen: int = 512) -> bytes:
    """Stretches (trace id, start in seconds after START_S, rate in Hz, samples) as records: Steim2 for integers, else floats."""
    return b"".join(_records(*stretch, version=version, reclen=reclen) for stretch in stretches)


def _records(name: str, start_s: float, rate_hz: float, samples: NDArray[Any], version: int, reclen: int) -> bytes:
    sampletype = {"i": "i", "f": "f" if samples.dtype.itemsize == 4 else "d"}[samples.dtype.kind]
    encoding = {"i": DataEncoding.STEIM2, "f": DataEncoding.FLOAT32, "d": DataEncoding.FLOAT64}[sampletype]
    with MS3TraceList() as traces:
        traces.add_data(
            sourceid=nslc2sourceid(*name.split(".")),
            data_samples=samples,
            sample_type=sampletype,
            sample_rate=rate_hz,
            starttime=round((START_S + start_s) * 1e9),
        )
        return b"".join(traces.generate(format_version=version, max_record_length=reclen, encoding=encoding))


def stations_csv(*rows: tuple[str, str, float, float]) -> bytes:
    """A table of stations (network, station, latitude, longitude) at 100 m."""
    lines = ["network,station,latitude,longitude,elevation", *(f"{n},{s},{lat},{lon},100" for n, s, lat, lon in rows)]
    return "\n".join(lines).encode()


def stationxml(network: str, station: str, latitude: float, longitude: float, channels: str = "") -> bytes:
    """A StationXML document of one station."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1"><Source>test</Source><Created>2020-01-01T00:00:00Z</Created>
<Network code="{network}"><Station code="{station}"><Latitude>{latitude}</Latitude><Longitude>{longitude}</Longitude>
<Elevation>12.0</Elevation><Site><Name>somewhere</Name></Site>{channels}</Station></Network></FDSNStationXML>""".encode()


def zipped(**files: bytes) -> bytes:
    """A zip archive; `__` in a name stands for `/` and `_dot_` for a dot."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(_path(name), data)
    return stream.getvalue()


def tarred(**files: bytes) -> bytes:
    """A tar archive with names as in `zipped`."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(_path(name))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def gzipped(data: bytes) -> bytes:
    """A gzip of the bytes."""
    return gzip.compress(data, mtime=0)


def _path(name: str) -> str:
    return name.replace("__", "/").replace("_dot_", ".")
