"""The bundle that the benchmarks send: one event at many stations, made from a seed."""

import io
import time

import numpy as np
import obspy
from numpy.typing import NDArray

from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg

RATE_HZ = 20.0
DURATION_S = 3600.0
EVENT = (18.7, 96.1)
BEGIN = obspy.UTCDateTime(2020, 1, 1)
ORIGIN_S, DEPTH_KM = 60.0, 15.0


def make_bundle(
    traces: int = 200, rate_hz: float = RATE_HZ, duration_s: float = DURATION_S, seed: int = 3407, signal: float = 1.0
) -> tuple[bytes, bytes]:
    """
    MiniSEED 2 (Steim2, 512-byte records) and stations.csv of a dispersed surface wave and the first arrival in red noise.

    `signal`: strength of these waves, 0 for noise alone.
    """
    random = np.random.default_rng(seed)
    latitudes, longitudes = _stations(traces, random)
    stream = obspy.Stream()
    for number in range(traces):
        reach_deg = float(distance_deg(*EVENT, latitudes[number], longitudes[number]))
        samples = _seismogram(reach_deg, rate_hz, duration_s, random, signal)
        header = {"network": "XB", "station": f"S{number:03d}", "channel": "BHZ", "sampling_rate": rate_hz, "starttime": BEGIN}
        stream += obspy.Trace(samples, header)
    packed = io.BytesIO()
    stream.write(packed, format="MSEED", encoding="STEIM2", reclen=512)
    rows = [f"XB,S{n:03d},{latitudes[n]:.4f},{longitudes[n]:.4f},0" for n in range(traces)]
    return packed.getvalue(), "\n".join(["network,station,latitude,longitude,elevation", *rows, ""]).encode()


def _stations(count: int, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Evenly over the sphere."""
    return np.degrees(np.arcsin(random.uniform(-1, 1, count))), random.uniform(-180, 180, count)


def _first_arrival_s(distance_deg: float) -> float:
    return float(np.nanmin([travel_time_s(phase, distance_deg, DEPTH_KM) for phase in ("P", "PKP")]))


def _seismogram(reach_deg: float, rate_hz: float, duration_s: float, random: np.random.Generator, strength: float) -> NDArray[np.int32]:
    """Counts; the surface wave travels at 4 km/s at long periods and 3 km/s at short ones, P and PKP as through ak135."""
    count = round(duration_s * rate_hz)
    frequencies = np.fft.rfftfreq(2 * count, 1 / rate_hz)  # twice as long, so that what arrives too late does not wrap around
    shape = np.exp(-(((frequencies - 0.03) / 0.025) ** 2))
    delay_s = ORIGIN_S + reach_deg * KM_PER_DEGREE / (4.0 - np.minimum(frequencies / 0.1, 1.0))
    first_s = ORIGIN_S + _first_arrival_s(reach_deg)
    surface = np.fft.irfft(shape * np.exp(-2j * np.pi * frequencies * delay_s))[:count]
    body = np.fft.irfft(np.exp(-(((frequencies - 0.3) / 0.3) ** 2)) * np.exp(-2j * np.pi * frequencies * first_s))[:count]
    noise = np.cumsum(random.normal(size=count))
    signal = surface / np.abs(surface).max() + 0.3 * body / np.abs(body).max()
    return np.asarray(1e5 * (strength * signal + 0.01 * (noise - noise.mean()) / noise.std()), np.int32)


if __name__ == "__main__":
    begun = time.perf_counter()
    waveforms, stations = make_bundle()
    print(f"{len(waveforms) / 1e6:.1f} MB of miniSEED, {len(stations)} bytes of stations.csv in {time.perf_counter() - begun:.1f} s")
