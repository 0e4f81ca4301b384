"""
What the waveforms at 28 to 150 s of an event of a known surface-wave magnitude say of an explosion or collapse: synthesized and inverted.

Records are those of `training.experiments.source.regional_networks`, of known response, at the stations and of the moment tensor that the
other evidence is simulated for.
"""

from functools import cache
from typing import Final

import numpy as np

from models.analysis.source import limit_explosion
from models.array_types import Floats
from models.seismic.earth.random_sources import random_sources
from models.seismic.earth.surface_wave_excitation import excite_waves
from models.seismic.geodesy import destination
from models.seismic.trace_id import TraceId
from training.experiments.source.regional_networks import Simulator, invert_tensor, make_source, record_event
from training.synthesis.records import find_nearest_table
from training.synthesis.station_geometry import Stations

DEVIATION_DEG: Final = 0.3  # of each coordinate of an epicenter whose 68 % radius is 50 km
MOMENT_OF_MS: Final = 12.24
"""
Logarithm of the moment in N m of an earthquake of Ms 0; both grow alike below 5.3 (Ekstrom & Dziewonski 1988, doi:10.1038/332319a0).
"""
AZIMUTHS_RAD: Final[Floats] = np.radians(np.arange(0.0, 360.0, 10.0))


def compute_moment(tensor: Floats, depth_km: float, surface_magnitude: float) -> float:
    """
    Compute the factor in N m on a moment tensor [6] (nn, ee, dd, ne, nd, ed) at a depth that gives Rayleigh waves of a magnitude Ms.

    Earthquakes of that magnitude have the moment of `MOMENT_OF_MS` on average over random double couples.
    """
    size = measure_rayleigh(np.tile(tensor, (3, 1)), np.full(3, depth_km), np.array([0.0, 0.5, 0.99])).mean()
    return float(10.0 ** (surface_magnitude + MOMENT_OF_MS) * _mean_rayleigh() / size)


def measure_rayleigh(tensors: Floats, depths_km: Floats, crusts: Floats) -> Floats:
    """Compute the root mean square over azimuths of the Rayleigh waves [n] that moment tensors [n, 6] excite."""
    return np.asarray(np.sqrt(np.mean(excite_waves(tensors, depths_km, crusts, AZIMUTHS_RAD)[0] ** 2, axis=1)))


@cache
def _mean_rayleigh() -> float:
    """Geometric mean of the Rayleigh waves of random double couples of unit moment."""
    return float(np.exp(np.log(measure_rayleigh(*random_sources("earthquake")[:3])).mean()))


def place_stations(simulator: Simulator, epicenter: tuple[float, float], depth_km: float, distances: Floats, azimuths: Floats) -> Stations:
    """Place stations at azimuths, at the tabulated distances next to some, all in degrees from an epicenter."""
    tabulated = simulator.sampler.store.table(depth_km).distances_deg
    rows = np.abs(tabulated[None, :] - distances[:, None]).argmin(axis=1)
    places = destination(*epicenter, azimuths, tabulated[rows])
    ids = tuple(TraceId("XX", f"S{number:02d}", "00", "LHZ") for number in range(len(rows)))
    return Stations(ids, np.asarray(places[0]), np.asarray(places[1]), tabulated[rows], azimuths, rows)


def weigh_waveforms(
    simulator: Simulator,
    kind: str,
    mechanism: tuple[Floats, float],
    surface_magnitude: float,
    epicenter: tuple[float, float],
    stations: tuple[Floats, Floats],
    random: np.random.Generator,
) -> float | None:
    """
    Synthesize and invert the records of an event: log likelihood ratio of an explosion or collapse, or None where nothing is compared.

    Parameters
    ----------
    simulator : Simulator
        What records are made of and inverted with.
    kind, mechanism, surface_magnitude
        Kind of source; moment tensor [6] (nn, ee, dd, ne, nd, ed) of any size, and depth in km; Ms.
    epicenter : (float, float)
        Latitude and longitude in degrees.
    stations : (float [n], float [n])
        Distances and azimuths in degrees.
    random : numpy.random.Generator
        Draws paths, noise, windows, and the guess of the epicenter.

    """
    tensor, depth_km = mechanism
    stored = simulator.sampler.store.table(depth_km).depth_km
    moment, step_s = compute_moment(tensor, stored, surface_magnitude), simulator.sampler.store.time_step_s
    source = make_source(kind, tensor, (*epicenter, stored), moment, step_s, random)
    placed = place_stations(simulator, epicenter, find_nearest_table(simulator.sampler.store, source).depth_km, *stations)
    event = record_event(simulator, source, moment * tensor, placed, DEVIATION_DEG, random)
    return limit_explosion(invert_tensor(simulator, event, horizontals=True))
