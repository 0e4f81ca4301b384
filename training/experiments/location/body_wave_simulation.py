"""
Simulate records of P, the waves reflected above the source and their coda, to 2 Hz, which stores of Green's functions do not reach.

P, pP and sP (beyond 140 degrees PKP, pPKP and sPKP) have the amplitudes of a random mechanism in their directions, the free surface's
reflection, and one source time function of several subevents; each has coda, partly common to a network. PcP, PP, and phases that no table
has, come with them. Background noise has a microseism. Only what decides when energy rises is simulated: no polarization, no surface waves.
"""

from dataclasses import dataclass

import numpy as np

from models.array_types import Floats, Floats32
from models.seismic.depth_phases.rises import Family, Onset
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from training.experiments.location.arrival_simulation import Geometry, select_stations
from training.synthesis.catalogs import EarthquakeCatalog, StationCatalog

GEOMETRIES = (
    Geometry("world", (5, 40), (27.0, 95.0)),
    Geometry("array at 27 to 95 degrees", (4, 40), (27.0, 95.0), 6.0),
    Geometry("array at 143 to 155 degrees", (4, 40), (143.0, 155.0), 6.0),
)
BEFORE_S, AFTER_S = 200.0, 280.0
"""Of a record, about its first arrival."""
DEEP_SHARE = 0.6
DEEP_KM = 60.0
MAGNITUDES = (5.0, 7.8)
DURATION_S = 6.0
"""Of a source of magnitude 6; it grows tenfold in two units."""
CODA_ENERGY = (0.1, 3.0)
"""Range of the energy of a phase's coda, over that of the phase..."""
CODA_DECAY_S = (12.0, 60.0)
"""...and of the time in which it falls to 1/e."""
SHARED_CODA = (0.1, 0.6)
"""Range of the share of the coda that begins at the source and is common to a network."""
T_STAR_S = (0.4, 1.0)
UPWARD_T_STAR_S = (0.1, 0.8)
"""More attenuation of the waves that leave upward, through the asthenosphere, of a source beneath it."""
P_REFLECTION, S_CONVERSION = 0.85, 0.25
"""Amplitude of pP and sP at the surface, but for their radiation."""
S_OVER_P = 5.2
"""Amplitude of S over P of the same pattern: the cube of Vp over Vs."""
PATH_SCATTER = 0.35
"""Standard deviation of the log amplitude of a phase at a station."""
PCP_AMPLITUDE, PP_AMPLITUDE = (0.03, 0.3), (0.3, 1.5)
UNKNOWN_AMPLITUDE, UNKNOWN_RATE = (0.02, 0.3), 1.0
"""
Range of the amplitude of phases that no table has, with equal probability of its logarithm, and their mean number. Reflections at the
discontinuities of the upper mantle have a few percent of P; more is a small shock that follows the first one.
"""
SNR = (2.0, 300.0)
"""Range of the peak amplitude of P over the standard deviation of the noise, either way of all frequencies."""
PICK_ERROR_S = (0.3, 2.0)
DELAY_SCATTER = 0.015
"""Relative error of the delays, of velocities above the source."""


@dataclass(frozen=True)
class BodyWaveEvent:
    """Records of a simulated event, their onsets as picked, distances as an epicenter with an error gives them, and the true depth."""

    geometry: str
    depth_km: float
    magnitude: float
    epicenter_deg: tuple[float, float]
    records: tuple[Record, ...]
    onsets: dict[int, Onset]
    distances_deg: Floats


def draw_body_waves(earthquakes: EarthquakeCatalog, stations: StationCatalog, random: np.random.Generator) -> BodyWaveEvent:
    """Draw an earthquake, a geometry and its records."""
    deep = np.flatnonzero((earthquakes.depths_km > DEEP_KM) == (random.uniform() < DEEP_SHARE))
    while True:
        geometry, event = GEOMETRIES[int(random.integers(len(GEOMETRIES)))], int(random.choice(deep))
        source = (float(earthquakes.latitudes_deg[event]), float(earthquakes.longitudes_deg[event]))
        rows = select_stations(geometry, source, stations, random)
        if len(rows):
            break
    depth_km, magnitude = float(earthquakes.depths_km[event]), float(random.uniform(*MAGNITUDES))
    latitudes, longitudes = stations.latitudes_deg[rows], stations.longitudes_deg[rows]
    distances, azimuths = distance_deg(*source, latitudes, longitudes), azimuth_deg(*source, latitudes, longitudes)
    family: Family = "PKP" if distances.max() > 105.0 else "P"
    motion, rate_hz, first_s = simulate_motion(family, distances, azimuths, depth_km, magnitude, random)
    records = tuple(
        Record(
            TraceId("XX", f"S{k}", "", "BHZ"), float(first_s[k]) - BEFORE_S, rate_hz, motion[k], float(latitudes[k]), float(longitudes[k])
        )
        for k in range(len(rows))
    )
    error_s = np.exp(random.uniform(*np.log(PICK_ERROR_S)))
    onsets = {k: Onset(float(first_s[k] + abs(error_s * random.normal())), family) for k in range(len(rows))}
    moved = distances + random.normal(0.0, 0.3 if geometry.radius_deg is None else 2.0)
    return BodyWaveEvent(geometry.name, depth_km, magnitude, source, records, onsets, moved)


def simulate_motion(
    family: Family, distances_deg: Floats, azimuths_deg: Floats, depth_km: float, magnitude: float, random: np.random.Generator
) -> tuple[Floats32, float, Floats]:
    """Simulate the vertical motion [n, samples] of all stations; returns it with its sampling rate and the times [n] of first arrivals."""
    rate_hz = 1.0 if random.uniform() < 0.3 else 5.0
    fine_hz = 5.0
    count = round((BEFORE_S + AFTER_S) * fine_hz)
    first_s = travel_time_s(family, distances_deg, depth_km)
    source = draw_source_time_function(magnitude, fine_hz, random)
    motion = np.zeros((len(distances_deg), count))
    coda = (float(random.uniform(*CODA_DECAY_S)), float(random.uniform(*SHARED_CODA)), float(np.exp(random.uniform(*np.log(CODA_ENERGY)))))
    t_star, upward = random.uniform(*T_STAR_S), random.uniform(*UPWARD_T_STAR_S) * (depth_km > 80.0)
    for phase, lags_s, amplitudes in draw_phases(family, distances_deg, azimuths_deg, depth_km, random):
        wavelet = attenuate_pulse(source, t_star + (upward if phase in {"pP", "sP"} else 0.0), fine_hz)
        motion += spread_phase(wavelet, BEFORE_S + lags_s, amplitudes, coda, fine_hz, count, random)
    motion += draw_background(motion, fine_hz, random)
    step = round(fine_hz / rate_hz)
    if step > 1:
        motion = motion[:, : count // step * step].reshape(len(motion), -1, step).mean(axis=2)
    return motion.astype(np.float32), rate_hz, first_s


def draw_source_time_function(magnitude: float, rate_hz: float, random: np.random.Generator) -> Floats:
    """Draw the velocity pulse of a source: the derivative of a moment rate of several subevents under an arch."""
    duration_s = DURATION_S * 10.0 ** (0.5 * (magnitude - 6.0)) * np.exp(0.4 * random.normal())
    count = max(round(duration_s * rate_hz), 3)
    subevents = random.gamma(0.5, size=count) * np.sin(np.pi * (np.arange(count) + 0.5) / count)
    smooth = np.convolve(subevents, np.hanning(max(round(0.2 * count), 3) + 2))
    return np.diff(smooth, prepend=0.0, append=0.0)


def draw_phases(
    family: Family, distances_deg: Floats, azimuths_deg: Floats, depth_km: float, random: np.random.Generator
) -> list[tuple[str, Floats, Floats]]:
    """Draw the phases of an event: name, lag after the first arrival [n] and amplitude [n], relative to the root mean square of P."""
    first_s = travel_time_s(family, distances_deg, depth_km)
    slowness_s_km = np.gradient(travel_time_s(family, distances_deg[None] + np.array([[-1.0], [0.0], [1.0]]), depth_km), axis=0)[1]
    slowness_s_km = np.nan_to_num(slowness_s_km, nan=3.0) / (KM_PER_DEGREE * (1.0 - depth_km / 6371.0))
    vp = 6.5 if depth_km < 33.0 else 8.0 + 0.0033 * depth_km
    down, down_s = (np.arcsin(np.clip(slowness_s_km * v, 0.0, 0.95)) for v in (vp, vp / 1.75))
    tensor = draw_double_couple(random)
    p, up = radiate_p(tensor, down, azimuths_deg), radiate_p(tensor, np.pi - down, azimuths_deg)
    sv = radiate_sv(tensor, np.pi - down_s, azimuths_deg)
    delay = 1.0 + DELAY_SCATTER * random.normal()
    names = ("pP", "sP") if family == "P" else ("pPKP", "sPKP")
    phases = [
        ("P", np.zeros(len(p)), p),
        ("pP", delay * (travel_time_s(names[0], distances_deg, depth_km) - first_s), -P_REFLECTION * up),
        ("sP", delay * (travel_time_s(names[1], distances_deg, depth_km) - first_s), S_CONVERSION * S_OVER_P * sv),
    ]
    if family == "PKP":
        amplitude = random.uniform(0.5, 3.0)
        branch_s = travel_time_s("PKPab", distances_deg, depth_km) - first_s
        phases += [(name, lags + branch_s, amplitude * amplitudes) for name, lags, amplitudes in phases[:3]]
    level = np.sqrt(np.mean(p**2)) + 0.1
    for name, span in (("PcP", PCP_AMPLITUDE), ("PP", PP_AMPLITUDE)):
        phases.append((name, travel_time_s(name, distances_deg, depth_km) - first_s, np.full(len(p), level * random.uniform(*span))))
    phases += [
        ("other", np.full(len(p), random.uniform(5.0, 250.0)), np.full(len(p), level * np.exp(random.uniform(*np.log(UNKNOWN_AMPLITUDE)))))
        for _ in range(random.poisson(UNKNOWN_RATE))
    ]
    scatter = PATH_SCATTER * random.normal(size=(len(phases), len(p)))
    return [(name, lags, amplitudes * np.exp(row)) for (name, lags, amplitudes), row in zip(phases, scatter, strict=True)]


def draw_double_couple(random: np.random.Generator) -> Floats:
    """Draw a double couple [3, 3] (north, east, down) of random orientation."""
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    return np.outer(axes[0], axes[1]) + np.outer(axes[1], axes[0])


def radiate_p(tensor: Floats, takeoff: Floats, azimuths_deg: Floats) -> Floats:
    """Compute the P amplitude [n] in directions with a takeoff angle from the downward vertical (radians) and an azimuth."""
    ray = _ray(takeoff, azimuths_deg)
    return np.asarray(np.einsum("ni,ij,nj->n", ray, tensor, ray))


def radiate_sv(tensor: Floats, takeoff: Floats, azimuths_deg: Floats) -> Floats:
    """Compute the SV amplitude [n] in such directions."""
    ray, across = _ray(takeoff, azimuths_deg), _ray(takeoff + np.pi / 2.0, azimuths_deg)
    return np.asarray(np.einsum("ni,ij,nj->n", ray, tensor, across))


def _ray(takeoff: Floats, azimuths_deg: Floats) -> Floats:
    azimuth = np.radians(azimuths_deg)
    return np.stack([np.sin(takeoff) * np.cos(azimuth), np.sin(takeoff) * np.sin(azimuth), np.cos(takeoff)], axis=1)


def attenuate_pulse(wavelet: Floats, t_star_s: float, rate_hz: float) -> Floats:
    """Attenuate a pulse by a constant t*, without dispersion."""
    length = len(wavelet) + round(20.0 * rate_hz)
    frequencies = np.fft.rfftfreq(length, 1.0 / rate_hz)
    return np.asarray(np.fft.irfft(np.fft.rfft(wavelet, length) * np.exp(-np.pi * frequencies * t_star_s), length))


def spread_phase(
    wavelet: Floats,
    times_s: Floats,
    amplitudes: Floats,
    coda: tuple[float, float, float],
    rate_hz: float,
    count: int,
    random: np.random.Generator,
) -> Floats:
    """Place a phase with its coda on the records [n, count]; `coda`: decay time, share that is common, energy over that of the phase."""
    decay_s, shared, energy = coda
    length = round(5.0 * decay_s * rate_hz)
    envelope = np.exp(-0.5 * np.arange(length) / (rate_hz * decay_s))
    common = random.normal(size=length)
    total = count + length + len(wavelet)
    frequencies = np.fft.rfftfreq(total)
    spectrum, motion = np.fft.rfft(wavelet, total), np.zeros((len(times_s), count))
    for k in np.flatnonzero(np.isfinite(times_s)):
        tail = envelope * (np.sqrt(shared) * common + np.sqrt(1.0 - shared) * random.normal(size=length))
        tail *= np.sqrt(energy / (tail**2).sum())
        tail[0] += 1.0
        shift = np.exp(-2j * np.pi * frequencies * times_s[k] * rate_hz)
        motion[k] = amplitudes[k] * np.fft.irfft(spectrum * np.fft.rfft(tail, total) * shift, total)[:count]
    return motion


def draw_background(motion: Floats, rate_hz: float, random: np.random.Generator) -> Floats:
    """Draw noise [n, samples] with a microseism and a floor, at a ratio to the peak of the motion that varies from event to event."""
    frequencies = np.fft.rfftfreq(motion.shape[1], 1.0 / rate_hz)
    microseism = np.exp(-0.5 * (np.log2(np.maximum(frequencies, 1e-3) / random.uniform(0.14, 0.25)) / 0.4) ** 2)
    shape = random.uniform(0.0, 6.0) * microseism + random.uniform(0.3, 1.0) * np.maximum(frequencies, 0.02) ** random.uniform(-0.8, 0.0)
    noise = np.fft.irfft(shape * np.fft.rfft(random.normal(size=motion.shape)), motion.shape[1])
    ratio = np.exp(random.uniform(*np.log(SNR))) * np.exp(0.4 * random.normal(size=(len(motion), 1)))
    return np.asarray(noise / noise.std(axis=1, keepdims=True) * np.median(np.abs(motion).max(axis=1)) / ratio)
