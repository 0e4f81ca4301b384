"""Horizontal components rotated to north and east."""

import numpy as np
import pytest

from models.seismic.signal.rotation import rotate_to_north_east
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals

NORTH, EAST = np.array([1.0, 2.0, -3.0]), np.array([0.5, -1.0, 4.0])


def record_components(azimuths_deg: tuple[float, float]) -> Horizontals:
    """What sensors record that measure motion along two azimuths."""
    samples = np.stack([np.cos(azimuth) * NORTH + np.sin(azimuth) * EAST for azimuth in np.radians(azimuths_deg)])
    ids = (TraceId("XX", "A", "", "BH1"), TraceId("XX", "A", "", "BH2"))
    return Horizontals(ids, samples.astype(np.float32), azimuths_deg)


@pytest.mark.parametrize("azimuths_deg", [(0.0, 90.0), (37.0, 127.0), (200.0, 290.0), (10.0, 80.0), (90.0, 0.0)])
def test_any_two_known_azimuths_give_north_and_east(azimuths_deg):
    np.testing.assert_allclose(rotate_to_north_east(record_components(azimuths_deg)), [NORTH, EAST], atol=1e-5)


@pytest.mark.parametrize("azimuths_deg", [(np.nan, 90.0), (0.0, np.nan), (0.0, 30.0), (0.0, 180.0)])
def test_unknown_or_nearly_parallel_azimuths_give_nothing(azimuths_deg):
    assert rotate_to_north_east(record_components(azimuths_deg)) is None
    assert rotate_to_north_east(None) is None
