"""Which observations an epicenter is located by."""

import numpy as np
import pytest

from models.analysis.combine import set_origin_time
from models.analysis.distances import DistanceReadings
from models.analysis.refinement import refine_location
from models.seismic.geodesy import distance_deg
from models.seismic.location.distances import locate_by_distances
from tests.support import surface_waves


@pytest.mark.parametrize(("ratio", "significant"), [(5.0, True), (0.0, False)])
def test_the_surface_wave_stack_outweighs_distances_that_are_outliers(ratio, significant):
    gather = surface_waves.draw_gather(1, ratio)
    rng, count = np.random.default_rng(3), len(gather.samples)
    readings = DistanceReadings(
        trace_ids=gather.trace_ids,
        distances_deg=rng.uniform(10.0, 110.0, count),
        uncertainties_deg=np.full(count, 12.0),
        probabilities=np.full((count, 180), 1.0 / 180.0),
        origin_times_s=rng.normal(-300.0, 60.0, count),
        origin_uncertainties_s=np.full(count, 200.0),
        window_start_s=0.0,
        live=np.ones(count, np.bool_),
    )
    before = locate_by_distances(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    found = refine_location((), gather, readings, before)
    assert found.method == "distances+surface-wave-stack"
    assert (found.origin is not None) == significant
    if not significant:
        return
    assert refine_location((), gather, readings, before, use_surface_waves=False).location is before
    assert distance_deg(*surface_waves.SOURCE, found.location.latitude_deg, found.location.longitude_deg) < 2.0
    assert found.location.horizontal_uncertainty_km < 300.0
    shown = set_origin_time(readings, found.origin)
    assert shown.origin_times_s == pytest.approx(np.full(count, surface_waves.ORIGIN_S), abs=30.0)
