"""The kernels of the surface-wave stack against plain numpy."""

import numpy as np
from scipy.special import logsumexp

from models.seismic.geodesy import unit_vectors
from models.seismic.location.origin_time_prior import OriginPrior
from models.seismic.surface_waves.stack import DetectionModel, DistanceGrid, OriginWindows, SlownessPrior, detection_llr, stack_sources


def test_the_detection_llr_is_a_smoothed_log_ratio_normalized_over_the_record():
    rng = np.random.default_rng(1)
    statistic, live = rng.exponential(size=(2, 1, 40)).astype(np.float32), np.ones((2, 40), np.bool_)
    live[1, :10] = False
    ratios, weights, dead, sigma = np.linspace(0.2, 5.0, 31, dtype=np.float32)[None], np.array([1.0, 0.5]), 0.1, 1.2
    found = detection_llr(statistic, live, DetectionModel(ratios, 3.0, np.array([sigma]), dead), weights, 2)
    kernel = np.exp(-0.5 * (np.arange(-3, 4) / sigma) ** 2)
    for trace in range(2):
        ratio = ratios[0, np.minimum(statistic[trace, 0] * 3.0, 30).astype(int)].astype(np.float64)
        ratio = np.where(live[trace], dead + (1.0 - dead) * ratio / ratio[live[trace]].mean(), 1.0)
        smooth = np.convolve(np.pad(ratio, 3, constant_values=1.0), kernel / kernel.sum(), "valid")
        np.testing.assert_allclose(found[trace, 0], weights[trace] * np.log(smooth)[::2], atol=1e-5)


def test_the_stack_is_the_sum_over_traces_integrated_over_origin_time_and_slowness():
    rng = np.random.default_rng(2)
    stations, nodes = (
        unit_vectors(rng.uniform(-60, 60, 3), rng.uniform(0, 90, 3)),
        unit_vectors(np.array([0.0, 30.0]), np.array([10.0, 50.0])),
    )
    llr = rng.normal(size=(3, 4, 120)).astype(np.float32)
    slowness = SlownessPrior(np.array([0.5, 0.7]), np.log([0.25, 0.75]))
    origin, grid = OriginPrior(np.log(np.full(30, 1.0 / 30.0)), -5), DistanceGrid(5.0, 30.0)
    total, best = stack_sources(nodes, stations, llr, grid, slowness, OriginWindows(np.array([-10, 0]), 40), origin)
    for m, start in enumerate((-10, 0)):
        distances = np.degrees(np.arccos(stations @ nodes[m]))
        values = {}
        for v, per_degree in enumerate(slowness.samples_per_deg):
            for time in range(max(start, -5), min(start + 40, 25)):
                arrivals = [time + round(distance * per_degree) for distance in distances]
                steps = np.clip(np.round((distances - 5.0) / 30.0).astype(int), 0, 3)
                stack = sum(llr[i, steps[i], at] for i, at in enumerate(arrivals) if 0 <= at < 120)
                values[v, time] = float(stack) + slowness.log_weights[v] - np.log(30.0)
        assert np.isclose(total[m], logsumexp(list(values.values())), atol=1e-4)
        assert best[m] == max(values, key=lambda key: values[key])[1]
