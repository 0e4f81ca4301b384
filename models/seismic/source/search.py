"""
Compiled loops of the source inversion: the log likelihood of one trial source, a scan over many, and a Markov chain.

The log likelihood of a window is `-w dof/2 log(1 - 0.7 rho²)`, rho being the normalized correlation, 0 where negative, at the shift of
the window that is best after a penalty of its square. Gains are free and positive, so polarity counts. Numba keeps compiled code by the
date of this file: change it with `radiation`, `amplitudes` and `array_layout`, which are compiled into it.
"""

from typing import NamedTuple

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled_sums
from models.seismic.source.amplitudes import compare_love, evaluate_amplitudes
from models.seismic.source.array_layout import CORRELATION, DELAY_STEP_S, INVERSE_NORM, RAYLEIGH, SAMPLES_PER_STEP, SHIFT
from models.seismic.source.greens_tables import DISTANCE_STEP_DEG
from models.seismic.source.radiation import measure_path, project_windows

EXPLAINED = 0.7  # of the squared correlation: real waveforms never fit completely
MAX_SHIFTS = 2.5  # standard deviations of a window's shift


class InversionTables(NamedTuple):
    """
    What the loops know of the n records of an inversion.

    `values` to `first_deg` as in `CorrelationTables`; `chosen` [n]: which model each path has, by index; `sizes` as in
    `evaluate_amplitudes`; `stations` [n, 2]: geocentric latitudes and longitudes in radians.
    """

    values: Floats32
    norms: Floats32
    weights: Floats
    shifts_s: Floats
    travel_s: Floats
    first_deg: Floats
    chosen: Integers
    sizes: Floats
    stations: Floats


@compiled_sums
def sum_energy(norms: Floats32, components: Floats) -> float:
    """Sum the energy of a source's waveform by the energies of Green's functions [components, components]."""
    energy = 0.0
    for k in range(len(components)):
        for m in range(len(components)):
            energy += components[k] * components[m] * norms[k, m]
    return energy


@compiled_sums
def evaluate_window(
    values: Floats32,
    norms: Floats32,
    at: tuple[int, int],
    components: Floats,
    distance: float,
    delay_s: float,
    weight: float,
    shift_s: float,
    fit: Floats,
    gained: Floats32,
) -> float:
    """
    Evaluate the log likelihood of one window of one record.

    `values` [distances, states, components, delays] and `norms` of the window as in `CorrelationTables`, `at` indices of window and state;
    `distance` from the first tabulated one, in steps. Writes shift in seconds, correlation, and the inverse root of the norm to `fit` [3].
    `gained` [2, delays] is working space.
    """
    window, state = at
    j = min(max(int(distance), 0), len(values) - 2)
    upper = min(max(distance - j, 0.0), 1.0)
    step, delays = SAMPLES_PER_STEP[window], values.shape[3]
    energy = (1.0 - upper) * sum_energy(norms[j, state], components)
    energy += upper * sum_energy(norms[j + 1, state], components)
    fit[:] = 0.0
    if energy <= 0.0:
        return 0.0
    fit[INVERSE_NORM] = 1.0 / np.sqrt(energy)
    center, widest = delay_s / DELAY_STEP_S + upper * step + (delays - 1) // 2, MAX_SHIFTS * shift_s / DELAY_STEP_S
    first = max(int(np.ceil(center - widest)), step)
    last = max(min(int(center + widest), delays - 1), first - 1)
    totals, scores = gained[0, : last + 1 - first], gained[1, : last + 1 - first]
    totals[:] = np.float32(0.0)
    for k in range(len(components)):
        component = components[k] * fit[INVERSE_NORM]
        lower_factor, upper_factor = np.float32(component * (1.0 - upper)), np.float32(component * upper)
        lower, higher = values[j, state, k, first : last + 1], values[j + 1, state, k, first - step : last + 1 - step]
        for g in range(len(totals)):
            totals[g] += lower_factor * lower[g] + upper_factor * higher[g]
    score_shifts(totals, first - center, weight, DELAY_STEP_S / shift_s, scores)
    best = 0.0
    for g in range(len(scores)):
        if scores[g] > best:
            best = scores[g]
            fit[SHIFT], fit[CORRELATION] = (first + g - center) * DELAY_STEP_S, min(totals[g], np.float32(1.0))
    return best


@compiled_sums
def score_shifts(correlations: Floats32, first: float, weight: float, step: float, scores: Floats32) -> None:
    """
    Score correlations [shifts] by log likelihood less the penalty of their shifts, `scores` [shifts].

    `first`: shift of the first, in delay steps; `step`: a delay step in standard deviations of the shift.
    """
    start, double, half = np.float32(first), np.float32(2.0 * weight), np.float32(0.5 * min(weight, 1.0) * step * step)
    for g in range(len(correlations)):
        correlation = min(max(correlations[g], np.float32(0.0)), np.float32(1.0))
        x = np.float32(EXPLAINED) * correlation * correlation
        z = x / (np.float32(2.0) - x)
        s = z * z  # -log(1 - x) is twice the inverse hyperbolic tangent of z: its series to 2e-6
        series = np.float32(1 / 3) + s * (np.float32(1 / 5) + s * (np.float32(1 / 7) + s * (np.float32(1 / 9) + s * np.float32(1 / 8.3))))
        off = start + np.float32(g)
        scores[g] = double * z * (np.float32(1.0) + s * series) - half * off * off


@compiled_sums
def evaluate_source(
    tables: InversionTables, place: Floats, state: int, mechanism: Floats, delay_s: float, stretch: float, fits: Floats
) -> float:
    """
    Evaluate the log likelihood of a source at a place (latitude, longitude in radians).

    `state`: depth or force history by index; `delay_s` of the origin time; `stretch` of Rayleigh travel times. Writes to `fits` [n,
    windows, 3] as `evaluate_window` does.
    """
    total = 0.0
    weights, windows = tables.weights, tables.weights.shape[1]
    geometry = np.empty(2)
    components, gained = np.empty((windows, tables.values.shape[5])), np.empty((2, tables.values.shape[6]), np.float32)
    for i in range(len(tables.stations)):
        measure_path(place, tables.stations[i], geometry)
        project_windows(mechanism, geometry[1], components)
        steps = (geometry[0] - tables.first_deg[i]) / DISTANCE_STEP_DEG
        values, norms = tables.values[tables.chosen[i], i], tables.norms[tables.chosen[i], i]
        for window in range(windows):
            if weights[i, window] > 0.0:
                late = delay_s + (stretch * tables.travel_s[i] if window == RAYLEIGH else 0.0)
                table, norm, at = values[window], norms[window], (window, state)
                weight, shift_s = weights[i, window], tables.shifts_s[i, window]
                total += evaluate_window(table, norm, at, components[window], steps, late, weight, shift_s, fits[i, window], gained)
    return total + evaluate_amplitudes(tables.sizes, fits) + compare_love(tables.sizes, fits)


@compiled_sums
def tabulate_gain(table: Floats32, norms: Floats32, components: Floats, weight: float, gained: Floats32) -> bool:
    """
    Tabulate the log likelihood of a window at all delays, `gained` [delays], by its correlations [components, delays] and norms.

    Returns whether the source radiates toward the station at all.
    """
    energy = sum_energy(norms, components)
    if energy <= 0.0:
        return False
    gained[:] = np.float32(0.0)
    for a in range(len(components)):
        factor, row = np.float32(components[a] / np.sqrt(energy)), table[a]
        for g in range(len(gained)):
            gained[g] += factor * row[g]
    single = np.float32(weight)
    for g in range(len(gained)):
        x = max(gained[g], np.float32(0.0))
        x = min(np.float32(EXPLAINED) * x * x, np.float32(EXPLAINED))
        # The series of -log(1 - x), its last term enlarged for those left out.
        gained[g] = single * x * (np.float32(1.0) + x * (np.float32(0.5) + x * (np.float32(0.333) + x * np.float32(0.4))))
    return True


@compiled_sums
def add_best_shifts(gained: Floats32, start: int, shift: int, weight: float, total: Floats32) -> None:
    """
    Add to `total` [origin times] the best of the log likelihoods of a window shifted by none, one or two standard deviations.

    `gained` begins `start` samples before the first origin time, and has two shifts more at both ends.
    """
    penalty, count = np.float32(0.5 * min(weight, 1.0)), len(total)
    middle = gained[start : start + count]
    one_early, one_late = gained[start - shift : start - shift + count], gained[start + shift : start + shift + count]
    two_early, two_late = gained[start - 2 * shift : start - 2 * shift + count], gained[start + 2 * shift : start + 2 * shift + count]
    for t in range(count):
        best = max(middle[t], max(one_early[t], one_late[t]) - penalty)
        total[t] += max(best, max(two_early[t], two_late[t]) - np.float32(4.0) * penalty)


@compiled_sums
def aim_stations(
    stations: Floats,
    place: Floats,
    mechanisms: Floats,
    first_deg: Floats,
    distances: int,
    at: Integers,
    starts: Integers,
    components: Floats,
) -> None:
    """
    Project mechanisms toward all stations from a place, `components` [n, mechanisms, windows, components].

    Writes the nearest tabulated distance of each station to `at` [n], and its windows' delays there, in steps, to `starts` [n, windows].
    """
    geometry = np.empty(2)
    for i in range(len(stations)):
        measure_path(place, stations[i], geometry)
        exact = (geometry[0] - first_deg[i]) / DISTANCE_STEP_DEG
        at[i] = min(max(int(np.rint(exact)), 0), distances - 1)
        for window in range(starts.shape[1]):
            starts[i, window] = int(np.rint(min(max(exact - at[i], -1.0), 1.0) * SAMPLES_PER_STEP[window]))
        for k in range(len(mechanisms)):
            project_windows(mechanisms[k], geometry[1], components[i, k])


@compiled_sums
def scan_sources(
    tables: InversionTables, places: Floats, mechanisms: Floats, first_delay: int, best: Floats32, best_delay: Integers
) -> None:
    """
    Scan sources at places [m, 2], all states, mechanisms [k, 6 or 3] and origin times, with the first model of each path.

    Writes the log likelihood of the best origin time to `best` [m, states, k], and its delay in steps to `best_delay`. Origin times: from
    `first_delay` steps before zero to as many after it.
    """
    values, norms, weights, shifts_s, stations = tables.values, tables.norms, tables.weights, tables.shifts_s, tables.stations
    windows, states, delays = weights.shape[1], values.shape[4], values.shape[6]
    middle = (delays - 1) // 2
    components = np.empty((len(stations), len(mechanisms), windows, values.shape[5]))
    edge = max(2 * max(1, int(np.rint(shifts_s.max() / DELAY_STEP_S))) + max(SAMPLES_PER_STEP) + first_delay - middle, 0)
    padded, total = np.zeros(delays + 2 * edge, np.float32), np.empty(2 * first_delay + 1, np.float32)
    gained = padded[edge : edge + delays]
    at, starts = np.empty(len(stations), np.int64), np.empty((len(stations), windows), np.int64)
    for m in range(len(places)):
        aim_stations(stations, places[m], mechanisms, tables.first_deg, values.shape[3], at, starts, components)
        for s in range(states):
            for k in range(len(mechanisms)):
                total[:] = np.float32(0.0)
                for i in range(len(stations)):
                    for window in range(windows):
                        weight = weights[i, window]
                        if weight > 0.0:
                            table, norm = values[0, i, window, at[i], s], norms[0, i, window, at[i], s]
                            if tabulate_gain(table, norm, components[i, k, window], weight, gained):
                                shift = max(1, int(np.rint(shifts_s[i, window] / DELAY_STEP_S)))
                                add_best_shifts(padded, edge + middle - first_delay + starts[i, window], shift, weight, total)
                top = int(np.argmax(total))
                best[m, s, k], best_delay[m, s, k] = total[top], top - first_delay


@compiled_sums
def log_prior(prior: Floats, state_prior: Floats, place: Floats, state: int, mechanism: Floats, stretch: float) -> float:
    """
    Evaluate the log prior density of a source.

    `prior`: latitude and longitude (radians) of the center, its standard deviation in degrees, that of the stretch, and that of the
    determinant of a unit tensor, or of the vertical part of a force over its length. Places have the tails of Student's t with 3 degrees of
    freedom.
    """
    geometry = np.empty(2)
    measure_path(place, prior, geometry)
    total = state_prior[state] - 2.5 * np.log(1.0 + (geometry[0] / prior[2]) ** 2 / 3.0) - 0.5 * (stretch / prior[3]) ** 2
    m = mechanism
    if len(m) == 6:
        off = m[0] * (m[1] * m[2] - m[5] * m[5]) - m[3] * (m[3] * m[2] - m[5] * m[4]) + m[4] * (m[3] * m[5] - m[1] * m[4])
    else:
        off = m[0]
    return float(total - 0.5 * (off / prior[4]) ** 2)


@compiled_sums
def normalize_mechanism(mechanism: Floats) -> None:
    """Make a moment tensor deviatoric with a scalar moment of 1, or a force of length 1, in place."""
    m = mechanism
    if len(m) == 6:
        mean = (m[0] + m[1] + m[2]) / 3.0
        m[0] -= mean
        m[1] -= mean
        m[2] -= mean
        length = np.sqrt(0.5 * (m[0] ** 2 + m[1] ** 2 + m[2] ** 2) + m[3] ** 2 + m[4] ** 2 + m[5] ** 2)
    else:
        length = np.sqrt(m[0] ** 2 + m[1] ** 2 + m[2] ** 2)
    m /= length


@compiled_sums
def propose_source(now: Floats, trial: Floats, states: int, steps: Floats, normals: Floats, uniforms: Floats) -> None:
    """
    Propose a move of some of the place, state, delay, stretch and mechanism of a row without its log likelihood, into `trial`.

    Depths, of tensors, move to one of the next two; histories, of forces, to any. `normals` [10] and `uniforms` [3] as of `walk_sources`.
    """
    trial[:] = now
    which, is_force = uniforms[0], len(now) == 8
    if which < 0.25 or which > 0.85:
        trial[0] += np.radians(steps[0]) * normals[0]
        trial[1] += np.radians(steps[0]) * normals[1] / max(np.cos(trial[0]), 0.05)
    if which < 0.3 or which > 0.75:
        trial[3] += steps[1] * normals[2]
    if 0.3 <= which < 0.5 or which > 0.9:
        jump = 1 + int(uniforms[1] * (states - 1)) if is_force else int(np.ceil(2.5 * uniforms[1] ** 2))
        trial[2] = now[2] + jump * (1.0 if normals[3] > 0.0 else -1.0)
        if is_force:
            trial[2] %= states
    if 0.45 <= which < 0.8 or which > 0.92:
        for k in range(len(now) - 5):
            trial[5 + k] += steps[3] * normals[4 + k]
        normalize_mechanism(trial[5:])
    if which > 0.7:
        trial[4] += steps[2] * normals[3]


@compiled_sums
def walk_sources(
    tables: InversionTables,
    prior: Floats,
    state_prior: Floats,
    start: Floats,
    temperatures: Floats,
    steps: Floats,
    normals: Floats,
    uniforms: Floats,
    max_delay_s: float,
    samples: Floats,
) -> None:
    """
    Walk a Markov chain (Metropolis) over sources from `start`, at given `temperatures` [count] of the likelihood.

    A row of `samples` [count, 6 + mechanism] has the columns of `array_layout`. `start` is such a row without the log likelihood. `steps`:
    standard deviations of moves of place [degrees], delay, stretch and mechanism. `normals` [count, 10] and `uniforms` [count, 3] are the
    random numbers.
    """
    fits, states = np.zeros((*tables.weights.shape, 3)), tables.values.shape[4]
    now, trial = start.copy(), start.copy()
    likelihood, density = -np.inf, -np.inf
    for count in range(len(temperatures)):
        if count > 0:
            propose_source(now, trial, states, steps, normals[count], uniforms[count])
        state, place, mechanism = int(trial[2]), trial[:2], trial[5:]
        if 0 <= trial[2] < states and abs(trial[3]) <= max_delay_s and abs(trial[4]) <= 0.025 and abs(trial[0]) < 1.55:
            value = evaluate_source(tables, place, state, mechanism, trial[3], trial[4], fits)
            trial_density = log_prior(prior, state_prior, place, state, mechanism, trial[4])
            change = (value - likelihood) / temperatures[count] + trial_density - density
            if change >= 0.0 or uniforms[count, 2] < np.exp(change):
                now[:], likelihood, density = trial, value, trial_density
        samples[count, 0] = likelihood
        samples[count, 1:] = now
