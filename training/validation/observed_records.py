"""
Vertical records of real events as ground displacement, for comparison with synthetics.

Responses are read from the event's StationXML or SAC poles and zeros; where there is none, a broadband velocity seismometer with a
corner at 120 s is assumed, which matters for the phase at 100 s. Records that were distributed as ground motion are left out.
"""

import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from models.array_types import Floats
from models.seismic.io.channel_selection import select_channels
from models.seismic.io.inventory import attach_metadata, read_stations_csv, read_stationxml
from models.seismic.io.miniseed import read_records, scan_miniseed
from models.seismic.waveforms import Record, Response
from training.evaluation.event_sources import LIMITS

ASSUMED_CORNER_S = 120.0
CUT_HZ = (0.029, 0.033)
"""The synthetics end between these frequencies; observed records are tapered alike."""


@dataclass(frozen=True)
class ButterworthBand:
    """A zero-phase band-pass filter: Butterworth of order 4 between two periods [s], tapered to zero within CUT_HZ."""

    longest_s: float
    shortest_s: float

    def weight(self, frequencies_hz: Floats) -> Floats:
        """Amplitude response at each frequency."""
        f = np.maximum(frequencies_hz, 1e-6)
        butterworth = 1 / np.sqrt((1 + (f * self.longest_s) ** -8) * (1 + (f * self.shortest_s) ** 8))
        return np.asarray(butterworth * np.cos(np.pi / 2 * np.clip((f - CUT_HZ[0]) / (CUT_HZ[1] - CUT_HZ[0]), 0, 1)) ** 2)


def read_sac_responses(text: str) -> dict[tuple[str, str, str, str], Response]:
    """Read responses by network, station, location and channel from SAC poles and zeros (of displacement in meters)."""
    responses = {}
    for block in text.split("** FILE ")[1:]:
        head = {line.split("(")[1].split(")")[0]: line.split(":", 1)[1].strip() for line in block.splitlines() if "(K" in line}
        rows = [line.split() for line in block.splitlines()[1:] if line.strip() and not line.startswith("*")]
        key = (head["KNETWK"], head["KSTNM"], head["KHOLE"].replace("--", ""), head["KCMPNM"])
        responses[key] = _evaluate(rows)
    return responses


def _evaluate(rows: list[list[str]]) -> Response:
    frequencies = np.geomspace(1e-3, 0.4, 160)
    s = 2j * np.pi * frequencies
    value, kind, left = np.ones(len(s), np.complex128), "", 0
    for row in rows:
        if row[0] == "CONSTANT":
            value *= float(row[1])
        elif row[0] in ("ZEROS", "POLES"):
            # Zeros that are counted but not listed lie at the origin.
            value *= s**left if kind == "ZEROS" else 1.0
            kind, left = row[0], int(row[1])
        else:
            left -= 1
            factor = s - complex(float(row[0]), float(row[1]))
            value = value * factor if kind == "ZEROS" else value / factor
    return Response(frequencies, value / s)


def read_verticals(folder: Path) -> list[Record]:
    """Read one raw vertical record a station, with coordinates, and with its response where the folder has it."""
    records, _ = read_records([scan_miniseed("waveforms.mseed", (folder / "waveforms.mseed").read_bytes())], LIMITS)
    inventories = [read_stations_csv((folder / "stations.csv").read_bytes(), "stations.csv")]
    if (folder / "stations.xml.gz").exists():
        inventories.insert(0, read_stationxml(gzip.decompress((folder / "stations.xml.gz").read_bytes()), "stations.xml"))
    chosen, _ = select_channels(attach_metadata(records, inventories)[0])
    if not (folder / "sacpz.txt.gz").exists():
        return chosen
    known = read_sac_responses(gzip.decompress((folder / "sacpz.txt.gz").read_bytes()).decode())
    keys = [(r.trace_id.network, r.trace_id.station, r.trace_id.location, r.trace_id.channel) for r in chosen]
    return [replace(record, response=known.get(key, record.response)) for record, key in zip(chosen, keys, strict=True)]


def is_clipped(record: Record) -> bool:
    """Whether the record stays at an extreme for five samples or more, or nears the range of 24 bits."""
    recorded = record.samples[np.isfinite(record.samples)]
    extreme = np.abs(recorded).max(initial=0.0)
    flat = max(
        np.count_nonzero(recorded >= recorded.max(initial=0) * 0.9995), np.count_nonzero(recorded <= recorded.min(initial=0) * 0.9995)
    )
    return bool(extreme > 0.95 * 2**23 or flat >= 5)


def _velocity_response(record: Record, frequencies_hz: Floats) -> NDArray[np.complex128]:
    if record.response is None:
        s, corner = 2j * np.pi * frequencies_hz, 2 * np.pi / ASSUMED_CORNER_S
        return np.asarray(s**2 / (s**2 + 2 * 0.707 * corner * s + corner**2))
    known = record.response
    # The phase is interpolated unwrapped, the amplitude in logarithms.
    log_f = np.log(np.maximum(frequencies_hz, known.frequencies_hz[0]))
    nodes = np.log(known.frequencies_hz)
    amplitude = np.exp(np.interp(log_f, nodes, np.log(np.abs(known.velocity_response))))
    return np.asarray(amplitude * np.exp(1j * np.interp(log_f, nodes, np.unwrap(np.angle(known.velocity_response)))))


def restore_displacement(record: Record, band: ButterworthBand, times_s: Floats) -> Floats:
    """Restore ground displacement [samples] in a band at POSIX times, in meters where the response is known; NaN outside the record."""
    samples = record.samples.astype(np.float64)
    gaps = ~np.isfinite(samples)
    clock = np.arange(len(samples))
    samples[gaps] = 0.0
    samples -= np.polyval(np.polyfit(clock[~gaps], samples[~gaps], 1), clock)
    samples[gaps] = 0.0
    ramp = min(int(60 * record.sampling_rate_hz), len(samples) // 10)
    samples[:ramp] *= np.sin(np.pi / 2 * np.arange(ramp) / ramp) ** 2
    samples[len(samples) - ramp :] *= np.sin(np.pi / 2 * np.arange(ramp) / ramp)[::-1] ** 2
    padded = fft.next_fast_len(len(samples) + int(2000 * record.sampling_rate_hz), real=True)
    frequencies = fft.rfftfreq(padded, 1 / record.sampling_rate_hz)
    weight = band.weight(frequencies)
    motion = fft.rfft(samples, padded)
    inside = weight > 1e-3
    motion[~inside] = 0
    motion[inside] *= weight[inside] / (_velocity_response(record, frequencies[inside]) * 2j * np.pi * frequencies[inside])
    ground = fft.irfft(motion, padded)[: len(samples)]
    ground[gaps] = np.nan
    return np.asarray(np.interp(times_s, record.start_time_s + clock / record.sampling_rate_hz, ground, left=np.nan, right=np.nan))
