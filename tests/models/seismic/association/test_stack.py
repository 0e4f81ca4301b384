"""The compiled stack against what its words say, in plain numpy."""

import numpy as np

from models.seismic.association.stack import stack_along_curves
from models.seismic.earth.travel_times import interpolate_curve

STEP, COUNT, BEGIN = 2.0, 60, 5
PHASES, TRACES, SAMPLES = 3, 5, 220


def said(rng, shape):
    """Rows of evidence: a base below zero within each record, runs above it, zero outside."""
    rows = np.zeros((*shape, SAMPLES), np.float32)
    for row in rows.reshape(-1, SAMPLES):
        first, last = rng.integers(0, 40), rng.integers(150, SAMPLES)
        row[first:last] = -rng.uniform(0.2, 1.5)
        for at in rng.integers(first + 1, last - 12, 3):
            row[at : at + 10] += rng.uniform(1.0, 3.0)
    return rows


def shifted(row, shift):
    """Samples shift to shift + COUNT of a row, zero outside."""
    at = shift + np.arange(COUNT)
    inside = (at >= 0) & (at < SAMPLES)
    return np.where(inside, row[np.clip(at, 0, SAMPLES - 1)], 0.0)


def plain(reach, curves, audible, alone, rows, starts, waves, origin):
    """The sum [COUNT] at one node and depth."""
    total, gains = waves + origin, [np.zeros(COUNT)]
    for p in range(PHASES):
        seconds = np.array([interpolate_curve(curves[p], distance) for distance in reach])
        heard = interpolate_curve(audible[p], reach.mean())
        shifts = BEGIN - starts[p] + np.round(seconds / STEP).astype(int)
        each = np.array([shifted(rows[p, i], shifts[i]) for i in range(TRACES)], np.float64)
        part, full = (np.maximum(weights @ each + np.log(heard), np.log(1.0 - heard)) for weights in (alone, np.ones(TRACES)))
        total = total + part
        gains.append(full - part)
    return total + np.max(gains, axis=0)


def drawn(rng, alone):
    stations = rng.normal(size=(TRACES, 3))
    stations /= np.linalg.norm(stations, axis=1, keepdims=True)
    node = np.array([[0.0, 0.6, 0.8]])
    distances = np.concatenate((np.arange(100) * 0.05, np.arange(5.0, 180.1, 0.5)))
    slownesses = rng.uniform(0.3, 1.2, (1, PHASES, 1))
    curves = (20.0 + slownesses * distances).astype(np.float32)
    audible = np.full((PHASES, len(distances)), 0.7, np.float32)
    rows, waves = said(rng, (PHASES, TRACES)), said(rng, (TRACES,))
    starts = rng.integers(-3, 4, (PHASES, TRACES))
    begins, slowness = np.array([BEGIN]), np.array([0.5, 0.8])
    origin = rng.normal(size=COUNT + 10).astype(np.float32)
    inputs = (node, stations, curves, audible, alone, rows, starts, waves, np.zeros(TRACES, np.int64), slowness, STEP, begins, COUNT)
    reach = np.degrees(np.arccos(np.clip(stations @ node[0], -1.0, 1.0)))
    fastest = np.max(
        [sum(shifted(waves[i], BEGIN + round(reach[i] * slow / STEP)) for i in range(TRACES)) for slow in slowness], axis=0
    ) - np.log(2.0)
    expected = plain(reach, curves[0], audible, alone, rows, starts, fastest, origin[BEGIN : BEGIN + COUNT])
    return (*inputs, origin, 0), expected


def test_the_stack_is_the_sum_that_its_words_say():
    for seed, alone in ((1, np.ones(TRACES)), (2, np.array([1.0, 0.3, 0.3, 0.3, 1.0]))):
        inputs, expected = drawn(np.random.default_rng(seed), alone)
        best, where, total = stack_along_curves(*inputs, True)
        assert where[0, 0] == np.argmax(expected)
        np.testing.assert_allclose(best[0, 0], expected.max(), atol=1e-4)
        np.testing.assert_allclose(total[0, 0], np.log(np.exp(expected).sum() * STEP), atol=1e-4)


def test_the_integral_is_left_out_where_nobody_asked_for_it():
    inputs, expected = drawn(np.random.default_rng(3), np.ones(TRACES))
    best, _, total = stack_along_curves(*inputs, False)
    np.testing.assert_allclose(best[0, 0], expected.max(), atol=1e-4)
    assert np.isnan(total).all()
