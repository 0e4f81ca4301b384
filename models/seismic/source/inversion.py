"""
Invert long-period waveforms for a source: a moment tensor at depth or a force at the surface, with epicenter and origin time.

A scan over places, depths (or force histories), mechanisms and origin times around a guess is followed by Markov chains: cooled ones
from the best sources of the scan; with windows set anew at the best of them, for moment tensors, one at each depth from the best source
of the next; and one that samples the posterior.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.signal import find_peaks

from models.array_types import Floats, Floats32, Integers
from models.seismic.earth.land import land_shares
from models.seismic.geodesy import azimuth_deg, geocentric_latitude_deg, geographic, lay_hexagon, unit_vectors
from models.seismic.source.array_layout import DELAY, DELAY_STEP_S, LOG_LIKELIHOOD, MECHANISM, PLACE, STATE, STRETCH
from models.seismic.source.correlations import Excitation, PathModel
from models.seismic.source.force_histories import HISTORY_DELAYS_S
from models.seismic.source.greens_tables import DEPTHS_KM, DISTANCE_STEP_DEG, FORCES, GreensTables
from models.seismic.source.mechanisms import trial_forces, trial_tensors
from models.seismic.source.observations import Guess, Observation, observe_records
from models.seismic.source.problem import (
    PHASE_ERRORS,
    REFINED_DELAY_S,
    EpicenterPrior,
    InversionProblem,
    Kind,
    Motion,
    list_motions,
    make_excitation,
    prefer_models,
    prepare_problem,
    profile_azimuths,
)
from models.seismic.source.search import evaluate_source, scan_sources, walk_sources
from models.seismic.source.surface_sources import weigh_surface_sources
from models.seismic.source.waveform_fit import WaveformFit, synthesize_fit
from models.seismic.waveforms import Gather

MIN_TRACES: Final = 3
SCANNED_DEPTHS: Final[Integers] = np.array((1, 4, 7, 10, 13, 16, 19, 22, 25, 28))
SCAN_STEP_DEG: Final = 1.5
SCAN_RADIUS_DEG: Final = 3.0
KNOWN_DEG: Final = 0.3
STARTS: Final = 8
ROUGH_MARGIN_S, ROUGH_PADDING_S, ROUGH_DELAYS, MAX_DELAY_S = 60.0, 250.0, 34, 110.0
"""Of the scan: margin of windows, zeros after them, delays tabulated on either side, and largest delay of the origin time."""
FINE_MARGIN_S, FINE_PADDING_S, FINE_DELAYS, FINE_WIDTH = 20.0, 180.0, 24, 5
"""The same at the best source but for the delay (`REFINED_DELAY_S`), and distances tabulated on either side."""
TRACED: Final[Floats] = np.geomspace(3.0, 0.5, 80)
"""Temperatures of the chain at one depth."""
MODES: Final = 2  # of depth, that are cooled once more with the path models that fit each best
MAX_DROP: Final = 40.0
"""Depths that fit so much worse than the best one are not refined: at the temperature of what is stated their odds are e^-13."""
BURNED_STEPS: Final = 800
COOLING: Final[Floats] = np.geomspace(6.0, 0.7, 600)
BURNED: Final[Floats] = np.geomspace(6.0, 3.0, BURNED_STEPS)
"""Temperatures of a chain at first: errors of paths are shared and the likelihood is too sharp, so it is sampled at a third of its log."""
SAMPLES, FORCE_SAMPLES = 2400, 9600  # length of the chain after that; the second of forces that are to be stated
EARTH_STEPS: Final = 100  # of the chain with one choice of Earth models
MOVES: Final[Floats] = np.array((0.25, 4.0, 0.003, 0.15))  # of place [degrees], delay [s], stretch, mechanism


@dataclass(frozen=True)
class SourceFit:
    """
    The best source of one kind and samples of its posterior.

    `best` and `samples` [m] are rows with the columns of `array_layout`, delays being relative to `time_s`. `log_opposite`: log likelihood
    of the best force in the opposite direction, None of a tensor. `by_depth` [depths]: rows of the best tensor at each depth, none of a
    force. `azimuth_profile`: largest log likelihood of a force at each of `problem.PROFILE_AZIMUTHS_DEG`, empty of a tensor. `fits` [n,
    windows, 3]: the fits (`array_layout`) of the windows of the records with indices `traces` [n], with their `weights` [n, windows] and
    `waveforms` [n]. `log_explosion`: log likelihood ratio of explosions and collapses against double couples (`weigh_surface_sources`),
    None of a force and where instruments are only assumed: waveforms then doubt more earthquakes and no more explosions than Love waves
    alone do.
    """

    kind: Kind
    best: Floats
    samples: Floats
    time_s: float
    log_opposite: float | None
    by_depth: Floats
    azimuth_profile: Floats
    traces: Integers
    azimuths_deg: Floats
    fits: Floats
    weights: Floats
    waveforms: tuple[WaveformFit, ...]
    log_explosion: float | None = None

    @property
    def log_likelihood(self) -> float:
        """Log likelihood of the best source against noise."""
        return float(self.best[LOG_LIKELIHOOD])


def invert_source(
    gather: Gather,
    traces: Sequence[int],
    earths: Sequence[GreensTables],
    prior: EpicenterPrior,
    kind: Kind,
    motion: Motion = "velocity",
    gain_deviations: Mapping[int, float] | None = None,
    horizontals: Floats32 | None = None,
    *,
    is_compared: bool = False,
) -> SourceFit | None:
    """
    Invert records for a source of one kind around an epicenter; None with fewer than three usable traces.

    Parameters
    ----------
    gather, traces : Gather, sequence of int
        Conditioned records, and the traces to use.
    earths : sequence of GreensTables
        Earth models: the first is scanned, and around the best source each path has the one that fits it best, with a prior by the land
        along it.
    prior, kind : EpicenterPrior, {"tensor", "force"}
        Where and when to search, for a deviatoric moment tensor at depth or a single force at the surface.
    motion : Motion
        What the records are proportional to. Where that is "unknown", they are scanned as those of broadband seismometers, and around the
        best source each has the kind of seismometer of `INSTRUMENT_SHARES` that fits it best.
    gain_deviations : mapping of int to float, optional
        Traces whose Rayleigh amplitudes count, with the standard deviation of the natural logarithm of these.
    horizontals : float32 [traces, 2, samples], optional
        Motion to the north and east of the traces of the gather, on its clock, NaN where there is none. Their Love waves count, those of
        a moment tensor around the best source of the scan: among many mechanisms and places noise on horizontals leads astray.
    is_compared : bool
        Whether the log likelihood is to be compared with that of another kind of source: both then have the phase error of moment tensors.
        A force that is not is to be stated, and is sampled longer (`FORCE_SAMPLES`).

    """
    states = SCANNED_DEPTHS if kind == "tensor" else np.arange(len(HISTORY_DELAYS_S))
    guess = Guess(prior.latitude_deg, prior.longitude_deg, prior.time_s)
    records = _Records(gather, traces, horizontals, gain_deviations or {}, PHASE_ERRORS["tensor" if is_compared else kind])
    excitations = [(make_excitation(kind, states, one), share) for one, share in list_motions(motion).items()]
    excitation = excitations[0][0]
    rough_records = records if kind == "force" else replace(records, horizontals=None)
    rough = _prepare_scan(rough_records, earths[0], prior, excitation, guess)
    if rough is None:
        return None
    starts = _scan(rough, prior, kind)
    cooled = [_take_best(_walk(rough, start, COOLING, MAX_DELAY_S, number)) for number, start in enumerate(starts)]
    models = [PathModel(earth, one, float(np.log(share))) for one, share in excitations for earth in earths]
    return _refine(records, models, prior, cooled, guess, FORCE_SAMPLES if kind == "force" and not is_compared else SAMPLES)


@dataclass(frozen=True)
class _Records:
    """The records of one inversion."""

    gather: Gather
    traces: Sequence[int]
    horizontals: Floats32 | None
    gain_deviations: Mapping[int, float]
    phase_error: float

    def observe(self, guess: Guess, margin_s: float, padding_s: float) -> list[Observation]:
        """Prepare the windows of the records around a guess."""
        return observe_records(self.gather, guess, self.traces, margin_s, padding_s, self.phase_error, self.horizontals)

    def measure_land(self, guess: Guess, observations: Sequence[Observation]) -> Floats:
        """Measure the share of land along the paths [n] of observations."""
        rows, gather = [one.trace_index for one in observations], self.gather
        return land_shares(guess.latitude_deg, guess.longitude_deg, gather.latitudes_deg[rows], gather.longitudes_deg[rows])


def _prepare_scan(
    records: _Records, earth: GreensTables, prior: EpicenterPrior, excitation: Excitation, guess: Guess
) -> InversionProblem | None:
    """Prepare the scan of all nodes with one Earth model; None with fewer than three usable traces."""
    observations = records.observe(guess, ROUGH_MARGIN_S, ROUGH_PADDING_S)
    if len(observations) < MIN_TRACES:
        return None
    half_width = round((_scan_radius_deg(prior) + 1.0) / DISTANCE_STEP_DEG)
    model, indifferent = PathModel(earth, excitation), np.zeros((1, len(observations)))
    return prepare_problem(observations, [model], indifferent, prior, (half_width, ROUGH_DELAYS), {})


def _refine(
    records: _Records, models: Sequence[PathModel], prior: EpicenterPrior, cooled: Sequence[Floats], guess: Guess, samples: int
) -> SourceFit | None:
    """Place windows and tables anew at the best of the cooled sources, and sample the posterior so often with a model of each path."""
    rough, best = models[0].excitation, _take_best(np.stack(cooled))
    moved = _move_guess(guess, best)
    observations = records.observe(moved, FINE_MARGIN_S, FINE_PADDING_S)
    if len(observations) < MIN_TRACES:
        return None
    is_force = rough.components == FORCES
    models = models if is_force else [replace(model, excitation=_extend_to_all_depths(model.excitation)) for model in models]
    begins = [_refer_row(row, best[DELAY], rough) for row in cooled]
    preferences = prefer_models(models, records.measure_land(moved, observations))
    problem = prepare_problem(observations, models, preferences, prior, (FINE_WIDTH, FINE_DELAYS), records.gain_deviations)
    begun = _start_fine(problem, _take_best(np.stack(begins)), is_force=is_force)
    by_depth = np.empty((0, len(begun))) if is_force else _trace_depths(problem, [begun, *begins])
    chain, top, fine = _walk_mixture(problem, begun if is_force else _take_best(by_depth), samples)
    against = [_walk(fine, _reverse_force(fine, top), COOLING, REFINED_DELAY_S, 60)] if is_force else []
    fits = fine.fit_windows(top)
    return SourceFit(
        kind="force" if is_force else "tensor",
        best=top,
        samples=chain[BURNED_STEPS::5],
        time_s=moved.time_s,
        log_opposite=_largest_against(top[MECHANISM], chain, *against) if is_force else None,
        by_depth=by_depth if is_force else _join_chain(by_depth, chain[BURNED_STEPS:], problem, top),
        azimuth_profile=profile_azimuths(fine, top, np.unique(chain[BURNED_STEPS:, STATE].astype(np.int64))) if is_force else np.zeros(0),
        traces=np.array([one.trace_index for one in observations]),
        azimuths_deg=azimuth_deg(*np.degrees(top[PLACE]), *np.degrees(fine.stations.T)),
        fits=fits,
        weights=fine.tables.weights,
        waveforms=_synthesize_fits(observations, [models[k] for k in fine.chosen], top, fits, records.gather.sampling_rate_hz),
        log_explosion=None if is_force or rough.corner_s > 0.0 else weigh_surface_sources(fine, top),
    )


def _walk_mixture(problem: InversionProblem, start: Floats, samples: int) -> tuple[Floats, Floats, InversionProblem]:
    """
    Sample the posterior so often from a start, the model of each path being chosen anew every hundred steps.

    Returns the samples, the best of them, and the problem with the path models that fit it best. Were they chosen once, for a source found
    in one Earth model, they would hold it there.
    """
    row, parts = start, []
    largest, best = -np.inf, start.copy()
    temperatures = np.concatenate((BURNED, np.full(samples, BURNED[-1])))
    steps = EARTH_STEPS if len(problem.preferences) > 1 else len(temperatures)
    for number in range(0, len(temperatures), steps):
        mixed = problem.choose_paths(row)
        parts.append(_walk(mixed, row, temperatures[number : number + steps], REFINED_DELAY_S, 100 + number))
        row, top = parts[-1][-1], _take_best(parts[-1])
        posterior = top[LOG_LIKELIHOOD] + np.take_along_axis(problem.preferences, mixed.chosen[None], 0).sum()
        if posterior > largest:
            largest, best = posterior, top.copy()
    mixed = problem.choose_paths(best)
    best[LOG_LIKELIHOOD] = mixed.evaluate(best)
    return np.concatenate(parts), best, mixed


def _start_fine(problem: InversionProblem, begin: Floats, *, is_force: bool) -> Floats:
    """Cool from the best rough source, and from the opposite force, with each model on all paths: the best that is found."""
    found = []
    for number in range(len(problem.preferences)):
        alone = replace(problem, chosen=np.full(len(problem.chosen), number))
        begins = [begin, _reverse_force(alone, begin)] if is_force else [begin]
        found += [_take_best(_walk(alone, row, COOLING, REFINED_DELAY_S, 50 + which)) for which, row in enumerate(begins)]
    return _take_best(np.stack(found))


def _synthesize_fits(
    observations: Sequence[Observation], models: Sequence[PathModel], top: Floats, fits: Floats, rate_hz: float
) -> tuple[WaveformFit, ...]:
    return tuple(
        synthesize_fit(one, model.earth, model.excitation, top, row, rate_hz, FINE_MARGIN_S)
        for one, model, row in zip(observations, models, fits, strict=True)
    )


def _largest_against(direction: Floats, *chains: Floats) -> float:
    """Largest log likelihood among samples of forces more than 90 degrees from a direction; 0 without any."""
    return max(float(chain[chain[:, MECHANISM] @ direction < 0.0, LOG_LIKELIHOOD].max(initial=0.0)) for chain in chains)


def _extend_to_all_depths(rough: Excitation) -> Excitation:
    """Extend the excitation of a tensor from the scanned depths to all tabulated ones."""
    count = len(DEPTHS_KM)
    delays, weights = (np.broadcast_to(rows[:1], (count, rows.shape[1])) for rows in (rough.delays_s, rough.weights))
    return replace(rough, states=np.arange(count), delays_s=delays, weights=weights)


def _reverse_force(problem: InversionProblem, row: Floats) -> Floats:
    """Turn the force of a row into the opposite direction, with the history and the origin time that then fit best."""
    fits, place, opposite = np.zeros((*problem.tables.weights.shape, 3)), row[PLACE], -row[MECHANISM]
    trials = [(state, delay) for state in range(problem.tables.values.shape[4]) for delay in np.arange(-45.0, 46.0, 7.5)]
    arrays = problem.arrays
    values = [evaluate_source(arrays, place, state, opposite, delay, row[STRETCH], fits) for state, delay in trials]
    reversed_row, most = row.copy(), int(np.argmax(values))
    reversed_row[LOG_LIKELIHOOD], (reversed_row[STATE], reversed_row[DELAY]) = values[most], trials[most]
    reversed_row[MECHANISM] = opposite
    return reversed_row


def _refer_row(row: Floats, delay_s: float, rough: Excitation) -> Floats:
    """Refer a row of the scan to an origin time later by `delay_s`, and the depth of a tensor to all that are tabulated."""
    referred = row.copy()
    referred[DELAY] = np.clip(row[DELAY] - delay_s, -REFINED_DELAY_S, REFINED_DELAY_S)
    if rough.components != FORCES:
        referred[STATE] = rough.states[int(row[STATE])]
    return referred


def _trace_depths(problem: InversionProblem, begins: Sequence[Floats]) -> Floats:
    """
    Trace the best tensor from depth to depth, down and up again: rows [depths, columns], as the path models that fit each best weigh them.

    Each of `begins` is a start at its own depth. While depths are traced, paths have the models that fit the first of them best. The chain
    that samples the posterior does not replace this: it seldom passes from one mode of depth to another (`docs/history/training_log.md`).
    """
    mixed = problem.choose_paths(begins[0])
    count = len(DEPTHS_KM)
    rows = np.tile(begins[0], (count, 1))
    rows[:, LOG_LIKELIHOOD] = -np.inf
    for begin in begins:
        _offer_row(mixed, rows, int(begin[STATE]), begin)
    for neighbor, state in pairwise((*range(count), *reversed(range(count - 1)))):
        if np.isfinite(rows[neighbor, LOG_LIKELIHOOD]):
            _offer_row(mixed, rows, state, rows[neighbor])
    rows[:, LOG_LIKELIHOOD] = [problem.weigh_mixture(row) for row in rows]
    modes = find_peaks(np.pad(rows[:, LOG_LIKELIHOOD], 1, constant_values=-np.inf))[0] - 1
    for state in sorted(modes.tolist(), key=lambda one: -rows[one, LOG_LIKELIHOOD])[:MODES]:
        row = _walk_at_depth(problem.choose_paths(rows[state]), rows[state], state)
        row[LOG_LIKELIHOOD] = problem.weigh_mixture(row)
        rows[state] = max(rows[state], row, key=lambda one: float(one[LOG_LIKELIHOOD]))
    return rows


def _walk_at_depth(problem: InversionProblem, row: Floats, state: int) -> Floats:
    """Cool a source at one depth, by index."""
    fixed = replace(problem, state_prior=np.where(np.arange(len(problem.state_prior)) == state, 0.0, -np.inf))
    return _take_best(_walk(fixed, row, TRACED, REFINED_DELAY_S, 200 + state))


def _offer_row(problem: InversionProblem, rows: Floats, state: int, offered: Floats) -> None:
    """Offer a source to a depth: if it fits better there than the one in `rows` [depths, columns], it is cooled and takes its place."""
    row = offered.copy()
    row[STATE] = state
    row[LOG_LIKELIHOOD] = problem.evaluate(row)
    if row[LOG_LIKELIHOOD] <= rows[state, LOG_LIKELIHOOD]:
        return
    if row[LOG_LIKELIHOOD] > rows[:, LOG_LIKELIHOOD].max() - MAX_DROP:
        row = _walk_at_depth(problem, row, state)
    rows[state] = row


def _join_chain(by_depth: Floats, chain: Floats, problem: InversionProblem, top: Floats) -> Floats:
    """Join the best of a chain at each depth with the best that were found before; none exceeds the best of all, `top`."""
    joined = by_depth.copy()
    for state in np.unique(chain[:, STATE].astype(np.int64)):
        row = _take_best(chain[chain[:, STATE] == state])
        row[LOG_LIKELIHOOD] = problem.weigh_mixture(row)
        if row[LOG_LIKELIHOOD] > joined[state, LOG_LIKELIHOOD]:
            joined[state] = row
    lower = np.minimum(joined[:, LOG_LIKELIHOOD] - problem.weigh_mixture(top), 0.0)
    joined[:, LOG_LIKELIHOOD] = top[LOG_LIKELIHOOD] + lower
    joined[int(top[STATE])] = top
    return joined


def _scan_radius_deg(prior: EpicenterPrior) -> float:
    """Radius of the scan: 3 degrees, or 0, the place itself, where the epicenter is known to within 0.3 degrees."""
    return SCAN_RADIUS_DEG if prior.deviation_deg > KNOWN_DEG else 0.0


def _scan(problem: InversionProblem, prior: EpicenterPrior, kind: Kind) -> list[Floats]:
    """Scan sources: the best of the `STARTS` best states, as rows."""
    latitude = float(geocentric_latitude_deg(prior.latitude_deg))
    places = np.radians(lay_hexagon(latitude, prior.longitude_deg, _scan_radius_deg(prior), SCAN_STEP_DEG))
    mechanisms = trial_tensors() if kind == "tensor" else trial_forces()
    shape = (len(places), problem.tables.values.shape[4], len(mechanisms))
    best, delays = np.empty(shape, np.float32), np.empty(shape, np.int64)
    first_delay = round(MAX_DELAY_S / DELAY_STEP_S)
    scan_sources(problem.arrays, places, mechanisms, first_delay, best, delays)
    apart = np.hypot(places[:, 0] - places[0, 0], (places[:, 1] - places[0, 1]) * np.cos(places[0, 0]))
    score = best - 2.5 * np.log(1.0 + (np.degrees(apart) / prior.deviation_deg) ** 2 / 3.0)[:, None, None]
    score = score + problem.state_prior[None, :, None]
    rows = []
    order = sorted(range(shape[1]), key=lambda s: -float(score[:, s].max()))
    for s in order[:STARTS]:
        m, k = np.unravel_index(int(np.argmax(score[:, s])), (shape[0], shape[2]))
        rows.append(np.concatenate(([best[m, s, k]], places[m], (float(s), delays[m, s, k] * DELAY_STEP_S, 0.0), mechanisms[k])))
    return rows


def _take_best(samples: Floats) -> Floats:
    """Take the row of the largest log likelihood."""
    return np.asarray(samples[np.argmax(samples[:, LOG_LIKELIHOOD])])


def _walk(problem: InversionProblem, start: Floats, temperatures: Floats, max_delay_s: float, seed: int) -> Floats:
    """Walk a chain from the source of a row: samples, a row for each of the temperatures."""
    random = np.random.default_rng(seed)
    normals, uniforms = random.normal(size=(len(temperatures), 10)), random.uniform(size=(len(temperatures), 3))
    samples, source = np.empty((len(temperatures), len(start))), start[LOG_LIKELIHOOD + 1 :]
    walk_sources(problem.arrays, problem.prior, problem.state_prior, source, temperatures, MOVES, normals, uniforms, max_delay_s, samples)
    return samples


def _move_guess(guess: Guess, row: Floats) -> Guess:
    """Move a guess to the source of a row."""
    latitude, longitude = geographic(unit_vectors(*np.degrees(row[PLACE])))
    return Guess(latitude, longitude, guess.time_s + float(row[DELAY]))
