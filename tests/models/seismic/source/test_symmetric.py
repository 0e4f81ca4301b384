"""Sources at the surface that are symmetric about the vertical, around the best moment tensor."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.seismic.source import symmetric
from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.symmetric import fit_symmetric

PROBLEM = SimpleNamespace(tables=SimpleNamespace(weights=np.ones((3, 3))), arrays=None)
BEST = np.array([90.0, *np.radians((40.0, 30.0)), 12.0, 20.0, 0.0, *np.zeros(6)])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_best_symmetric_source_is_found_beside_the_best_moment_tensor(monkeypatch, sign):
    """The likelihood has its maximum a third of a degree away, 9 s later, for an explosion (or a collapse) at the surface."""
    tried = []

    def evaluate(_, place, depth, tensor, delay_s, stretch, fits):
        tried.append((depth, tensor, delay_s))
        off = np.hypot(np.degrees(place[0]) - 40.3, np.degrees(place[1]) - 30.0)
        return 80.0 - 40.0 * off - 0.5 * abs(delay_s - 29.0) - 10.0 * depth + 10.0 * sign * (tensor[0] + tensor[1])

    monkeypatch.setattr(symmetric, "evaluate_source", evaluate)
    top, log_likelihood = fit_symmetric(PROBLEM, BEST)
    assert log_likelihood == pytest.approx(80.0 + 10.0 * 1.2, abs=4.0)
    assert np.degrees(top.place) == pytest.approx((40.3, 30.0), abs=0.15)
    assert top.delay_s == pytest.approx(29.0, abs=4.0)
    assert top.tensor[0] * sign > 0.0
    assert all(tensor[1] == tensor[2] and not tensor[3:].any() for _, tensor, _ in tried)
    assert max(DEPTHS_KM[depth] for depth, _, _ in tried) <= 6.0
    assert max(abs(delay_s) for _, _, delay_s in tried) <= symmetric.REFINED_DELAY_S
