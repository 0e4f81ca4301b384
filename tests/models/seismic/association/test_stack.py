"""The compiled stack along travel-time curves, against plain numpy."""

import numpy as np
import pytest

from models.seismic.association.pick_likelihood import TimeGrid
from models.seismic.association.stack import PhaseLlr, PhaseTables, RayleighLlr, stack_along_curves
from models.seismic.earth.travel_times import DISTANCES_DEG
from models.seismic.location.origin_time_prior import OriginPrior

STEP, COUNT, START = 2.0, 60, 5
PHASES, TRACES, SAMPLES = 3, 5, 220
NO_SAMPLES = np.zeros((PHASES, TRACES, SAMPLES), np.int8)
NO_PICKS = np.zeros((0, TRACES, SAMPLES), np.int8)


def draw_llr(rng, shape):
    """Draw LLRs: a base below zero within each record, runs above it, zero outside."""
    rows = np.zeros((*shape, SAMPLES), np.float32)
    for row in rows.reshape(-1, SAMPLES):
        first, last = rng.integers(0, 40), rng.integers(60, SAMPLES)
        row[first:last] = -rng.uniform(0.2, 1.5)
        for run in rng.integers(first + 1, last - 12, 3):
            row[run : run + 10] += rng.uniform(1.0, 3.0)
    return rows


def shift_row(row, shift):
    """Return samples shift to shift + COUNT of a row, zero outside."""
    index = shift + np.arange(COUNT)
    inside = (index >= 0) & (index < SAMPLES)
    return np.where(inside, row[np.clip(index, 0, SAMPLES - 1)], 0.0)


def stack_phases(distances, curves, probability, weights, llr, starts):
    """Stack the phases [COUNT] at one node and depth: all weighted, but for the one that gains most from weight 1."""
    total, gains = np.zeros(COUNT), [np.zeros(COUNT)]
    for p in range(PHASES):
        seconds = np.interp(distances, DISTANCES_DEG, curves[p])
        shifts = START - starts[p] + np.round(seconds / STEP).astype(int)
        rows = np.array([shift_row(llr[p, i], shifts[i]) for i in range(TRACES)], np.float64)
        weighted, full = (np.maximum(w @ rows + np.log(probability[p]), np.log(1.0 - probability[p])) for w in (weights, np.ones(TRACES)))
        total = total + weighted
        gains.append(full - weighted)
    return total + np.max(gains, axis=0)


def stack_rayleigh_waves(distances, llr, slownesses):
    """Stack the Rayleigh waves [COUNT] at the best slowness of each origin time, less the log of the number of slownesses."""
    stacks = [sum(shift_row(llr[i], START + round(distances[i] * slow / STEP)) for i in range(TRACES)) for slow in slownesses]
    return np.max(stacks, axis=0) - np.log(len(slownesses))


def draw_inputs(seed, weights, slownesses=(0.5, 0.8)):
    """Draw the arguments of the kernel, and compute the stack [COUNT] at its only node and depth."""
    rng = np.random.default_rng(seed)
    stations = rng.normal(size=(TRACES, 3))
    stations /= np.linalg.norm(stations, axis=1, keepdims=True)
    node = np.array([[0.0, 0.6, 0.8]])
    curves = (20.0 + rng.uniform(0.3, 1.2, (1, PHASES, 1)) * DISTANCES_DEG).astype(np.float32)
    probability = np.array([0.9, 0.7, 0.5], np.float32)
    table = np.repeat(probability[:, None], len(DISTANCES_DEG), axis=1)
    llr, rayleigh = draw_llr(rng, (PHASES, TRACES)), draw_llr(rng, (TRACES,))
    starts = rng.integers(-3, 4, (PHASES, TRACES))
    origin = rng.normal(size=COUNT + 10).astype(np.float32)
    waves = RayleighLlr(rayleigh, np.zeros(TRACES, np.int64), np.array(slownesses))
    origins, prior = TimeGrid(STEP, np.array([START]), COUNT), OriginPrior(origin, 0)
    distances = np.degrees(np.arccos(np.clip(stations @ node[0], -1.0, 1.0)))
    expected = stack_phases(distances, curves[0], probability.astype(np.float64), weights, llr, starts) + origin[START : START + COUNT]
    if slownesses:
        expected = expected + stack_rayleigh_waves(distances, rayleigh, slownesses)
    return (
        node,
        stations,
        PhaseTables(curves, table, np.arange(PHASES)),
        PhaseLlr(llr, starts, weights, NO_PICKS),
        waves,
        origins,
        prior,
    ), expected


@pytest.mark.parametrize("slownesses", [(), (0.5, 0.8)])
@pytest.mark.parametrize("weights", [np.ones(TRACES), np.array([1.0, 0.3, 0.3, 0.3, 1.0])])
def test_the_kernel_is_the_sum_over_phases_traces_rayleigh_waves_and_the_prior(weights, slownesses):
    for seed in range(3):
        inputs, expected = draw_inputs(seed, weights, slownesses)
        max_llr, index, marginal = stack_along_curves(*inputs, True)
        assert index[0, 0] == np.argmax(expected)
        np.testing.assert_allclose(max_llr[0, 0], expected.max(), atol=1e-4)
        np.testing.assert_allclose(marginal[0, 0], np.log(np.exp(expected).sum() * STEP), atol=1e-4)


def test_without_the_integral_the_maximum_is_unchanged_and_the_marginal_is_nan():
    inputs, expected = draw_inputs(3, np.ones(TRACES))
    max_llr, _, marginal = stack_along_curves(*inputs, False)
    np.testing.assert_allclose(max_llr[0, 0], expected.max(), atol=1e-4)
    assert np.isnan(marginal).all()


def test_a_phase_that_does_not_arrive_adds_nothing():
    inputs, _ = draw_inputs(4, np.ones(TRACES), ())
    node, stations, tables, arrivals, *others = inputs
    tables.curves[0, 2] = np.nan
    two_tables = PhaseTables(tables.curves[:, :2], tables.detection_probability[:2], np.arange(2))
    two = (node, stations, two_tables, PhaseLlr(arrivals.llr[:2], arrivals.starts[:2], arrivals.weights, NO_PICKS), *others)
    np.testing.assert_allclose(stack_along_curves(*inputs, False)[0], stack_along_curves(*two, False)[0], atol=1e-9)


@pytest.mark.parametrize("one_pick", [False, True])
@pytest.mark.parametrize("weights", [np.ones(TRACES), np.array([1.0, 0.3, 0.3, 0.3, 1.0])])
def test_a_trace_may_have_picks_of_a_phase_and_of_its_alternative_but_not_the_same_one(weights, one_pick):
    picks = np.zeros((PHASES, TRACES, SAMPLES), np.int8) if one_pick else np.arange(PHASES, dtype=np.int8)[:, None, None] + NO_SAMPLES
    (node, stations, tables, arrivals, _, origins, prior), _ = draw_inputs(5, weights, ())
    distances = np.degrees(np.arccos(np.clip(stations @ node[0], -1.0, 1.0)))
    waves = RayleighLlr(np.zeros((TRACES, SAMPLES), np.float32), np.zeros(TRACES, np.int64), np.zeros(0))
    joined = tables._replace(alternatives=np.array([2, 1, -1]))
    stacked = stack_along_curves(node, stations, joined, arrivals._replace(nearest_picks=picks), waves, origins, prior, False)[0][0, 0]
    excess, bases, insides = [], [], []
    for p in range(PHASES):
        shifts = START - arrivals.starts[p] + np.round(np.interp(distances, DISTANCES_DEG, tables.curves[0, p]) / STEP).astype(int)
        base = arrivals.llr[p].min(axis=1)
        rows = np.array([shift_row(arrivals.llr[p, i], shifts[i]) for i in range(TRACES)], np.float64)
        insides.append(np.array([shift_row((arrivals.llr[p, i] != 0.0).astype(float), shifts[i]) for i in range(TRACES)]) > 0.0)
        bases.append(np.where(insides[p], base[:, None], 0.0))
        excess.append(np.where(insides[p], np.maximum(rows - base[:, None], 0.0), 0.0))
    one, other = (np.maximum(excess[p] - np.log(2.0), 0.0) for p in (0, 2))
    either = np.where(excess[2] > 0.0, np.logaddexp(excess[0], excess[2]) - np.log(2.0), one)
    reduced = weights[:, None] * np.minimum(one, other) + np.maximum(one, other)

    def stack_pair(in_both):
        """The excess of both where the first is in the record; the second alone, with its own base, where it is not."""
        return np.where(insides[0], bases[0] + in_both, np.where(insides[2], bases[2] + other, 0.0))

    probability = tables.detection_probability[:, 0].astype(np.float64)
    total, gains = np.zeros(COUNT), [np.zeros(COUNT)]
    lesser, greater = (stack_pair(either if one_pick else pair) for pair in (one + other, reduced))
    for p, rows in ((0, (lesser, greater)), (1, (bases[1] + excess[1],) * 2)):
        stacks = (w @ row for w, row in zip((weights, np.ones(TRACES)), rows, strict=True))
        weighted, full = (np.maximum(row + np.log(probability[p]), np.log(1.0 - probability[p])) for row in stacks)
        total = total + weighted
        gains.append(full - weighted)
    expected = total + np.max(gains, axis=0) + prior.log_density[START : START + COUNT]
    np.testing.assert_allclose(stacked, expected.max(), atol=1e-4)


def test_the_origin_time_is_the_earliest_of_those_with_the_highest_stack():
    node, stations, tables, _, _, _, _ = draw_inputs(6, np.ones(TRACES), ())[0]
    nothing = PhaseLlr(np.zeros((0, TRACES, SAMPLES), np.float32), np.zeros((0, TRACES), np.int64), np.ones(TRACES), NO_PICKS)
    none = PhaseTables(tables.curves[:, :0], tables.detection_probability[:0], np.arange(0))
    waves = RayleighLlr(np.zeros((TRACES, SAMPLES), np.float32), np.zeros(TRACES, np.int64), np.zeros(0))
    for count in (2, 15, 16, 17, 48, 61):
        for highest in {0, 1, count // 2, count - 2, count - 1}:
            prior = np.full(count, -3.0, np.float32)
            prior[[highest, -1]] = 2.0
            origins = TimeGrid(STEP, np.array([START]), count)
            _, index, _ = stack_along_curves(node, stations, none, nothing, waves, origins, OriginPrior(prior, START), False)
            assert index[0, 0] == highest
