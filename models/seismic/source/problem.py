"""One inversion as arrays: correlations, stations, weights and priors, and the choice of Earth model and response of each path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from models.array_types import Floats, Integers
from models.seismic.geodesy import geocentric_latitude_deg
from models.seismic.source.array_layout import CORRELATION, DELAY, LOVE, MECHANISM, PLACE, SHIFT, STATE, STRETCH
from models.seismic.source.correlations import CorrelationTables, Excitation, PathModel, tabulate_correlations
from models.seismic.source.force_histories import HISTORY_DELAYS_S, HISTORY_WEIGHTS
from models.seismic.source.greens_tables import DEPTHS_KM, FORCES, STRAINS
from models.seismic.source.observations import Observation, weigh_stations
from models.seismic.source.search import EXPLAINED, InversionTables, evaluate_source

Kind = Literal["tensor", "force"]
Motion = Literal["displacement", "velocity", "broadband", "intermediate", "unknown"]
"""What a record is proportional to: ground motion, or the output of a broadband or intermediate-period seismometer."""
CORNERS_S: Final[Mapping[Motion, float]] = {"broadband": 180.0, "intermediate": 40.0}
"""Corner periods of seismometers whose response is unknown: broadband ones have 120 to 360 s, intermediate ones 30 to 60 s."""
INSTRUMENT_SHARES: Final[Mapping[Motion, float]] = {"broadband": 0.75, "intermediate": 0.25}
"""
Assumed share of each kind of seismometer among those of unknown response, the most frequent first.

With displacement as a third choice of each record the azimuths of synthetic forces are worse: 61 instead of 78 % within 10 degrees of 56
and 54 with horizontals (seeds 3408 to 3410). As a choice for all records at once it changes them by nothing, and the sign, stated with a
probability of 0.9, would be right in 46 of 56 cases: it stays ambiguous.
"""
KNOWN_GAIN_DEVIATION: Final = 0.4  # natural logarithm of an amplitude: focusing along paths and errors of gains
ASSUMED_GAIN_DEVIATION: Final = 0.8
"""
The same where no response is given: gains of broadband seismometers differ by a factor of two. A gain that differs by more costs a station
its evidence and no more (`MAX_AMPLITUDE_MISFIT`).
"""
PHASE_ERRORS: Final[Mapping[Kind, float]] = {"tensor": 0.004, "force": 0.016}
"""
Part of the Rayleigh travel time by which the phase of waves is taken to be uncertain: the shorter the period, the less a far record weighs.

Of 160 synthetic forces in two Earth models that the inversion does not have, with 0.4, 0.8, 1.6 and 3.2 %, azimuths of the 98 to 101
that are stated are within 10 degrees in 66, 68, 76 and 70 %, and epicenters are in the 68 % region in 57, 70, 75 and 73 %; of 200 others 65
and 60 % at 0.4 %, 69 and 68 % at 1.6 %. Depths of moment tensors, which rest on short periods, are no better at 0.8 and 1.6 %
(`docs/history/training_log.md`).
"""
STRETCH_DEVIATION: Final = 0.01  # of the stretch that all Rayleigh travel times share
MEAN_EARTH, OTHER_CRUST = 0.4, 0.2
"""
Prior weight of a mean Earth, and of a crust along a path without any of its kind, over that of a crust that a path has alone: margins,
plateaus and basins differ from both. Chosen before measuring; with their squares epicenters of synthetic forces (seed 3408) are as good.
"""
SPREADS: Final = {STRAINS: 0.15, FORCES: 0.25}
"""Standard deviation of the determinant of a unit tensor (a double couple has 0), and of the vertical part of a force over its length."""
REFINED_DELAY_S: Final = 50.0
"""Largest delay of the origin time after that of a source found by the scan: the tables at that source hold no larger ones."""

PROFILE_AZIMUTHS_DEG: Final[Floats] = np.arange(0.0, 360.0, 10.0)
PROFILE_DELAYS_S: Final[Floats] = np.arange(-30.0, 31.0, 10.0)  # of the origin time about that of the best source


@dataclass(frozen=True)
class EpicenterPrior:
    """A prior of the epicenter: geographic center, standard deviation in degrees, and origin time in POSIX seconds."""

    latitude_deg: float
    longitude_deg: float
    deviation_deg: float
    time_s: float


def list_motions(motion: Motion) -> Mapping[Motion, float]:
    """List what records may be proportional to, with probabilities."""
    return INSTRUMENT_SHARES if motion == "unknown" else {motion: 1.0}


def make_excitation(kind: Kind, states: Integers, motion: Motion) -> Excitation:
    """Make the excitation of a tensor at depths, whose moment rate is an impulse, or of force histories, by index."""
    derivatives = (0 if motion == "displacement" else 1) + (1 if kind == "force" else 0)
    corner_s = CORNERS_S.get(motion, 0.0)
    if kind == "force":
        surface = np.full(len(states), len(DEPTHS_KM))
        return Excitation(surface, FORCES, HISTORY_DELAYS_S[states], HISTORY_WEIGHTS[states], derivatives, corner_s)
    return Excitation(states, STRAINS, np.zeros((len(states), 1)), np.ones((len(states), 1)), derivatives, corner_s)


@dataclass(frozen=True)
class InversionProblem:
    """
    Tables and stations of one inversion, with priors, as compiled loops take them.

    `sizes` [models, n, 5] as in `evaluate_amplitudes`, of each model of the paths; `preferences` [models, n]: log prior of each model for
    each path. `chosen` [n]: the model that each path has, by index.
    """

    tables: CorrelationTables
    sizes: Floats
    stations: Floats
    prior: Floats
    state_prior: Floats
    preferences: Floats
    chosen: Integers

    @property
    def arrays(self) -> InversionTables:
        """Tables and stations as the compiled loops take them, with the chosen models of the paths."""
        one, sizes = self.tables, self.sizes[self.chosen, np.arange(len(self.chosen))]
        tables = (one.values, one.norms, one.weights, one.shifts_s, one.travel_s, one.first_deg)
        return InversionTables(*tables, self.chosen, sizes, self.stations)

    def fit_windows(self, row: Floats) -> Floats:
        """Fit the windows to a row of samples: [n, windows, 3] as `evaluate_source` writes them."""
        return self._evaluate(row)[1]

    def evaluate(self, row: Floats) -> float:
        """Evaluate the log likelihood of a row of samples, but for its first value."""
        return self._evaluate(row)[0]

    def choose_paths(self, row: Floats) -> "InversionProblem":
        """Choose for each path the model that is likeliest at a source."""
        return replace(self, chosen=np.argmax(self._weigh_paths(row), axis=0))

    def weigh_mixture(self, row: Floats) -> float:
        """Sum the log posterior of a source over paths, each with the model that has the largest, but for what amplitudes say."""
        return float(self._weigh_paths(row).max(axis=0).sum())

    def _weigh_paths(self, row: Floats) -> Floats:
        """Log posterior [models, n] of the models of each path at a source."""
        one, found = self.tables, np.empty(self.preferences.shape)
        for number in range(len(found)):
            fits = replace(self, chosen=np.full(len(self.chosen), number)).fit_windows(row)
            off = np.square(fits[..., SHIFT] / one.shifts_s) * np.minimum(one.weights, 1.0)
            found[number] = (-one.weights * np.log(1.0 - EXPLAINED * np.square(fits[..., CORRELATION])) - 0.5 * off).sum(axis=1)
        return found + self.preferences

    def _evaluate(self, row: Floats) -> tuple[float, Floats]:
        fits = np.zeros((*self.tables.weights.shape, 3))
        return float(evaluate_source(self.arrays, row[PLACE], int(row[STATE]), row[MECHANISM], row[DELAY], row[STRETCH], fits)), fits


def prepare_problem(
    observations: Sequence[Observation],
    models: Sequence[PathModel],
    preferences: Floats,
    prior: EpicenterPrior,
    widths: tuple[int, int],
    gain_deviations: Mapping[int, float],
) -> InversionProblem:
    """
    Tabulate the correlations of an inversion with each model of the paths, which all have the first one.

    `preferences` [models, n] as in `InversionProblem`. `widths`: distances and delays tabulated on either side. `gain_deviations`: standard
    deviation of the natural logarithm of the amplitudes of traces whose gains say something.
    """
    excitation = models[0].excitation
    station_weights = weigh_stations(observations)
    tables = tabulate_correlations(observations, models, station_weights, *widths)
    deviations = np.array([gain_deviations.get(one.trace_index, np.nan) for one in observations])
    stations = np.radians([(one.latitude_deg, one.longitude_deg) for one in observations])
    center = np.radians((float(geocentric_latitude_deg(prior.latitude_deg)), prior.longitude_deg))
    center_and_widths = np.array((*center, prior.deviation_deg, STRETCH_DEVIATION, SPREADS[excitation.components]))
    rayleigh, love = tables.log_sizes[..., 0], tables.log_sizes[..., 1]
    columns = (
        np.where(np.isfinite(deviations), rayleigh, np.nan),
        station_weights,
        deviations,
        love - rayleigh if excitation.components == FORCES else np.nan,
        np.maximum(2.0 * tables.weights[:, LOVE] / station_weights, 1.0),
    )
    sizes = np.stack([np.broadcast_to(column, rayleigh.shape) for column in columns], axis=-1)
    none, first = np.zeros(len(excitation.states)), np.zeros(len(stations), np.int64)
    return InversionProblem(tables, sizes, stations, center_and_widths, none, preferences, first)


def prefer_models(models: Sequence[PathModel], shares: Floats) -> Floats:
    """Compute the log prior [models, n], but for a constant, of each model for paths whose shares of land are `shares` [n]."""
    land = OTHER_CRUST + (1.0 - OTHER_CRUST) * shares
    weights = {None: np.full(len(shares), MEAN_EARTH), "land": land, "sea": 1.0 + OTHER_CRUST - land}
    return np.stack([np.log(weights[model.earth.crust]) + model.log_probability for model in models])


def profile_azimuths(problem: InversionProblem, top: Floats, states: Integers) -> Floats:
    """Largest log likelihood of horizontal forces at `PROFILE_AZIMUTHS_DEG`, at the place of the best, over some histories and delays."""
    fits, place = np.zeros((*problem.tables.weights.shape, 3)), top[PLACE]
    radians = np.radians(PROFILE_AZIMUTHS_DEG)
    trials = [(int(state), delay) for state in states for delay in PROFILE_DELAYS_S + top[DELAY]]
    forces = np.stack((np.zeros(len(radians)), np.cos(radians), np.sin(radians)), axis=1)
    return np.array([
        max(evaluate_source(problem.arrays, place, state, force, delay, top[STRETCH], fits) for state, delay in trials) for force in forces
    ])  # fmt: skip
