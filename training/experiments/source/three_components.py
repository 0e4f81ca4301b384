"""
Three-component records of synthetic sources: Love waves on the transverse component beside the vertical one.

Paths scatter independently for Love and Rayleigh waves; a station's components share Earth model, gain and instrument. Noise of horizontals
is 5 to 20 dB above that of verticals, as tilt makes it (Peterson 1993). Radial Rayleigh waves are vertical ones a quarter period later.
"""

from copy import deepcopy
from typing import Final

import numpy as np
from scipy import signal

from models.array_types import Floats, Floats32, Integers
from models.imaging.conditioning import condition
from models.seismic.geodesy import back_azimuth_deg, geocentric_latitude_deg
from models.seismic.waveforms import Gather, Record
from models.specs.pictures import CONDITIONING
from training.earth.greens import GreensStore
from training.synthesis.instrument_defects import apply_defects, apply_instrument
from training.synthesis.noise import draw_noise_displacement
from training.synthesis.path_effects import perturb_paths
from training.synthesis.records import NANOMETERS, ORIGIN_S, PRE_EVENT_S, Contract, Realism, contract_source, synthesize_displacement
from training.synthesis.sources import Source
from training.synthesis.station_geometry import Stations
from training.synthesis.windows import Window

ELLIPTICITY: Final = 0.75  # radial over vertical amplitude of Rayleigh waves
NOISE_DECADES: Final = (0.25, 1.0)  # of the amplitude of horizontal noise over vertical noise
GAIN_DEVIATION: Final = 0.6
"""
Standard deviation of the natural logarithm of the gains of instruments of a network whose records are counts: sensitivities of common
seismometers with 24-bit digitizers are 3e8 to 3e9 counts per m/s.
"""


def synthesize_components(
    stores: tuple[GreensStore, ...],
    love: tuple[GreensStore, ...],
    source: Source,
    stations: Stations,
    windows: list[Window],
    earths: Integers,
    realism: Realism,
    random: np.random.Generator,
) -> tuple[tuple[Record, ...], ...]:
    """
    Synthesize vertical, north and east records of a source, in nanometers or counts of unknown gain.

    `love`: stores of transverse displacement, of the strain components rc and dc and the component c of a force; `earths` [traces]: the
    store of each path by index.
    """
    step = stores[0].time_step_s
    vertical = synthesize_along_paths(stores, source, stations, earths)
    transverse = synthesize_along_paths(love, source, stations, earths, contract_transverse)
    waves = [_scatter(one, stations.distances_deg, step, realism, random) for one in (vertical, transverse)]
    radial = ELLIPTICITY * np.imag(signal.hilbert(waves[0], axis=-1))
    away = np.radians(_back_azimuths_deg(source, stations) + 180.0)[:, None]
    north_east = radial * np.cos(away) - waves[1] * np.sin(away), radial * np.sin(away) + waves[1] * np.cos(away)
    noise_factors = np.power(10.0, random.uniform(*NOISE_DECADES, (len(vertical), 1)))
    factors = np.stack((np.ones_like(noise_factors), noise_factors, noise_factors))
    gains = random.lognormal(0.0, GAIN_DEVIATION, len(vertical)) if realism.instruments else np.ones(len(vertical))
    same_instruments, records = deepcopy(random), []
    random.uniform(size=8)  # the copy and the rest of the draws differ
    for motion, factor in zip((waves[0], *north_east), factors, strict=True):
        padded = np.pad(motion, ((0, 0), (int(PRE_EVENT_S / step), 0)))
        padded = padded + factor * draw_noise_displacement(len(padded), padded.shape[1], step, random, realism.character)
        seen = apply_instrument(padded, step, deepcopy(same_instruments)) if realism.instruments else padded
        records.append(_cut_records(seen * gains[:, None] * NANOMETERS, stations, windows, step, random))
    return tuple(records)


def synthesize_along_paths(
    stores: tuple[GreensStore, ...], source: Source, stations: Stations, earths: Integers, contract: Contract = contract_source
) -> Floats:
    """Synthesize displacement [traces, samples] in meters, each path through the store with its index in `earths` [traces]."""
    motion: dict[int, Floats] = {}
    for number in np.unique(earths).tolist():
        rows = np.flatnonzero(earths == number)
        motion |= zip(rows.tolist(), synthesize_displacement(stores[number], source, stations.take(rows), contract), strict=True)
    return np.stack([motion[row] for row in range(len(earths))])


def contract_transverse(source: Source, azimuths_deg: Floats) -> Floats:
    """Contract a source with transverse Green's functions for each azimuth: rates [traces, 2, samples] of a tensor, or 1 of a force."""
    cosine, sine = np.cos(np.radians(azimuths_deg))[:, None], np.sin(np.radians(azimuths_deg))[:, None]
    if source.is_force:
        return np.asarray((source.rates[2] * cosine - source.rates[1] * sine)[:, None])
    _, tt, pp, rt, rp, tp = source.rates
    return np.stack((2 * (rp * cosine + rt * sine), 2 * ((pp - tt) * sine * cosine - tp * (cosine**2 - sine**2))), axis=1)


def condition_components(records: tuple[tuple[Record, ...], ...]) -> tuple[Gather, Floats32]:
    """Condition vertical records into a gather, and the horizontals [traces, 2, samples] on its clock."""
    gather, *others = (condition(one, CONDITIONING) for one in records)
    return gather, np.stack([one.samples for one in others], axis=1)


def _scatter(motion: Floats, distances_deg: Floats, step_s: float, realism: Realism, random: np.random.Generator) -> Floats:
    if realism.paths is None:
        return motion
    scattered = perturb_paths(motion, distances_deg, step_s, realism.paths, random)
    return np.asarray(scattered * random.lognormal(0, realism.amplitude_sigma, (len(motion), 1)))


def _back_azimuths_deg(source: Source, stations: Stations) -> Floats:
    latitude = float(geocentric_latitude_deg(source.latitude_deg))
    return back_azimuth_deg(latitude, source.longitude_deg, geocentric_latitude_deg(stations.latitudes_deg), stations.longitudes_deg)


def _cut_records(
    motion: Floats, stations: Stations, windows: list[Window], step_s: float, random: np.random.Generator
) -> tuple[Record, ...]:
    """Cut the window of each trace, with defects."""
    records = []
    for row, window in enumerate(windows):
        first = min(max(int((PRE_EVENT_S + window.start_s) / step_s), 0), motion.shape[1] - 2)
        cut = motion[row, first : first + max(int(window.duration_s / step_s), 2)]
        finished = apply_defects(cut[None], step_s, random)[0].astype(np.float32)
        start = ORIGIN_S - PRE_EVENT_S + first * step_s
        place = float(stations.latitudes_deg[row]), float(stations.longitudes_deg[row])
        records.append(Record(stations.trace_ids[row], start, 1 / step_s, finished, *place))
    return tuple(records)
