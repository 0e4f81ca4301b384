"""The figure of distance residuals: its axis and the sign of its numbers."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.seismic.geodesy import distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.solution import StationDistances
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from workers.jobs.figures import collect_residuals
from workers.plots.residuals import find_axis_limit


def test_a_few_wide_uncertainties_do_not_shrink_the_other_residuals():
    residuals, uncertainties = np.array([0.5, -2.0, 0.1, 1.0]), np.array([1.0, 1.0, 40.0, 1.0])
    assert find_axis_limit(residuals, uncertainties) == 3.0
    assert find_axis_limit(np.zeros(0), np.zeros(0)) == 1.0


def test_the_figure_has_the_residuals_of_the_answer_epicentral_minus_predicted():
    """All distances are predicted a tenth too large but for one, so that most residuals and their common part are negative."""
    random = np.random.default_rng(3)
    latitudes, longitudes = 10.0 + random.uniform(-30.0, 30.0, 12), random.uniform(-30.0, 30.0, 12)
    predicted = 1.1 * distance_deg(10.0, 0.0, latitudes, longitudes)
    gather = Gather(
        tuple(TraceId("XX", f"S{k}", "", "LHZ") for k in range(12)), 0.0, 1.0, np.zeros((12, 10), np.float32), latitudes, longitudes
    )
    location = locate_by_distances(StationDistances(latitudes, longitudes, predicted, np.ones(12)))
    shown = collect_residuals(gather, SimpleNamespace(uncertainties_deg=np.ones(12)), location)
    assert shown.residuals_deg == pytest.approx(shown.distances_deg - predicted, abs=1e-6)
    assert np.median(shown.residuals_deg) < -0.5
    assert shown.common_deg < 0.0
