"""What errors of travel times do to the depth."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.association.arrivals import Arrival, associate_arrivals
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.depth_error import UNKNOWN_DEPTH_KM, estimate_depth_error_km, spread_path_errors_km
from models.seismic.association.grid_scan import TrialSource
from models.seismic.geodesy import destination, geocentric
from tests.support.synthetic_picks import DEPTH_KM, NO_PEAKS, SOURCE, make_picks, teleseismic_candidates

NEAR = TrialSource(geocentric(0.0, 0.0), 12.0, 0.0, 0.0)


def near_network(distances_deg):
    """Candidates of stations around a source, and their arrivals: P and S at all of them."""
    count = len(distances_deg)
    latitudes, longitudes = destination(0.0, 0.0, np.arange(count) * 137.5, np.array(distances_deg))
    picks = [make_picks(np.random.default_rng(1), np.array([60.0]), (0.0, 400.0), false=0) for _ in range(count)]
    data = collect_candidates(picks, [NO_PEAKS] * count, latitudes, longitudes)
    arrivals = [Arrival(index, phase, 0.0, 0.0, 0.5 if phase == "P" else 1.0) for index in range(count) for phase in ("P", "S")]
    return replace(data, crustal=True), arrivals


def test_a_second_phase_reduces_the_depth_error_of_a_distant_source():
    data = teleseismic_candidates()
    source = TrialSource(geocentric(*SOURCE), DEPTH_KM, -data.clock_s, 0.0)
    arrivals = associate_arrivals(data, source)
    p_only = [arrival for arrival in arrivals if arrival.phase == "P"]
    with_s = [arrival for arrival in arrivals if arrival.phase in ("P", "S")]
    assert 10.0 < estimate_depth_error_km(data, source, with_s) < estimate_depth_error_km(data, source, p_only) <= UNKNOWN_DEPTH_KM
    assert estimate_depth_error_km(data, source, p_only[:1]) == UNKNOWN_DEPTH_KM


def test_two_stations_above_a_source_determine_its_depth_however_many_are_far():
    far = list(np.linspace(1.0, 4.5, 30))
    above, arrivals = near_network([0.1, 0.15, *far])
    beside, _ = near_network([1.0, 1.1, *far])
    error_km = estimate_depth_error_km(above, NEAR, arrivals)
    assert error_km < 7.0
    assert estimate_depth_error_km(beside, NEAR, arrivals) > 1.8 * error_km
    assert spread_path_errors_km(above, NEAR, arrivals) > 2.5 * error_km


@pytest.mark.parametrize("depth_km", [0.0, 2.0, 30.0])
def test_the_depth_error_is_finite_at_any_depth_and_for_few_arrivals(depth_km):
    data, arrivals = near_network([0.2, 0.5, 0.8, 1.2, 2.0])
    source = replace(NEAR, depth_km=depth_km)
    assert 0.0 < estimate_depth_error_km(data, source, arrivals) <= UNKNOWN_DEPTH_KM
    assert estimate_depth_error_km(data, source, arrivals[:3]) == UNKNOWN_DEPTH_KM
    assert estimate_depth_error_km(data, source, ()) == UNKNOWN_DEPTH_KM
