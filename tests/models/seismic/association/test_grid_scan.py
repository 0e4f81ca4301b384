"""Scans of trial sources, and what they are made of."""

import numpy as np
import pytest

from models.seismic.association import grid_scan
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.grid_scan import TrialGrid, TrialSource, grid_error_s, log_depth_prior, phase_curves, scan_grid
from models.seismic.earth.travel_times import DISTANCES_DEG, PHASES, travel_time_s
from models.seismic.geodesy import geocentric, unit_vectors
from models.seismic.location.sphere_grid import points_at_offsets
from tests.support.synthetic_picks import DEPTH_KM, NO_PEAKS, SOURCE, draw_stations, simulate_picks, teleseismic_candidates


def test_the_best_node_depth_and_origin_time_of_a_scan_are_those_of_the_event():
    data = teleseismic_candidates()
    nodes, error = points_at_offsets(geocentric(*SOURCE), np.array([-2.0, 0.0, 2.0]), np.zeros(3)), np.full(20, 1.0)
    distances = data.distances_deg(nodes[1])
    scan = scan_grid(data, TrialGrid(nodes, (DEPTH_KM, 400.0), (540.0, 660.0, 1.0)), distances, error)
    assert np.unravel_index(np.argmax(scan.max_llr), scan.max_llr.shape) == (0, 1)
    assert data.clock_s + scan.origin_times_s[0, 1] == pytest.approx(0.0, abs=2.0)
    assert np.isnan(scan.marginal_llr).all()


@pytest.mark.parametrize("radius_deg", [0.5, 5.0, 30.0])
def test_the_window_around_an_anchor_contains_all_arrivals_of_its_nodes_and_depths(radius_deg, monkeypatch):
    data = teleseismic_candidates()
    anchor = TrialSource(geocentric(*SOURCE), DEPTH_KM, -data.clock_s, 0.0)
    steps = np.linspace(-radius_deg, radius_deg, 5)
    nodes = points_at_offsets(anchor.point, *(offset.ravel() for offset in np.meshgrid(steps, steps)))

    def scan():
        distances, times = data.distances_deg(anchor.point), (-30.0, 30.0, 1.0)
        return scan_grid(data, TrialGrid(nodes, (5.0, 140.0, 575.0), times, anchor), distances, np.full(20, 1.0))

    cropped = scan()
    monkeypatch.setattr(grid_scan, "CROP_S", 4000.0)
    np.testing.assert_allclose(cropped.max_llr, scan().max_llr, atol=1e-3)


def test_depth_phases_of_a_deep_source_are_seen_among_shallow_trial_depths(monkeypatch):
    """Also where the depth phase is hidden at the median depth, so that no window follows from it."""
    random = np.random.default_rng(5)
    stations = draw_stations(random, SOURCE, 20, 90.0, 40.0)
    picks = simulate_picks(random, SOURCE, 575.0, *stations, (-600.0, 3000.0), missed=0.05, phases=("P", "pP"))
    data = collect_candidates(picks, [NO_PEAKS] * 20, *stations)
    anchor = TrialSource(geocentric(*SOURCE), 575.0, -data.clock_s, 0.0)

    def scan():
        grid = TrialGrid(anchor.point[None], (5.0, 15.0, 575.0), (-30.0, 30.0, 1.0), anchor)
        return scan_grid(data, grid, data.distances_deg(anchor.point), np.full(20, 1.0)).max_llr

    cropped = scan()
    monkeypatch.setattr(grid_scan, "CROP_S", 4000.0)
    np.testing.assert_allclose(cropped, scan(), atol=1e-3)


def test_around_an_anchor_a_node_nearer_to_the_station_has_a_later_origin():
    data = teleseismic_candidates().subset(np.array([0]))
    anchor = TrialSource(geocentric(*SOURCE), DEPTH_KM, -data.clock_s, 0.0)
    distance, nearer = data.distances_deg(anchor.point), anchor.point + 0.08 * (data.stations[0] - anchor.point)
    nodes = np.stack((anchor.point, nearer / np.linalg.norm(nearer)))
    scan = scan_grid(data, TrialGrid(nodes, (DEPTH_KM,), (-0.5, 0.5, 0.5), anchor), distance, np.ones(1))
    later_s = travel_time_s("P", distance, DEPTH_KM) - travel_time_s("P", data.distances_deg(nodes[1]), DEPTH_KM)
    assert later_s[0] > 10.0
    np.testing.assert_allclose(np.diff(scan.origin_times_s[0]), later_s, atol=1.0)


def test_a_phase_just_behind_another_one_is_hidden():
    curves = phase_curves(10.0)
    p, s = curves[PHASES.index("P")], curves[PHASES.index("S")]
    near, far = np.searchsorted(DISTANCES_DEG, (0.05, 2.0))
    assert np.isnan(s[near])
    assert s[far] - p[far] > 3.0


def test_the_grid_error_is_half_the_change_of_the_first_arrival_over_the_offset():
    distances = np.array([3.2, 30.0, 80.0, 150.0])
    phases = ("P", "P", "P", "PKP")
    far, near = (
        [float(travel_time_s(phase, distance + off, 40.0)) for phase, distance in zip(phases, distances, strict=True)]
        for off in (0.4, -0.4)
    )
    expected = (np.array(far) - np.array(near)) / 2.0
    assert (expected[:3] > 0.5).all()
    np.testing.assert_allclose(grid_error_s(distances, 40.0, 0.4), expected, atol=2e-3)


def test_the_depth_prior_is_a_density_and_excludes_deep_events_where_none_are_known():
    depths = np.arange(0.5, 2000.0)
    tonga, scotland = np.exp(log_depth_prior(depths, unit_vectors([-21.0, 56.0], [-179.0, -4.0]))).T
    assert 0.9 < tonga[:700].sum() < 1.1
    assert 0.7 < scotland[:700].sum() < 1.1
    assert tonga[600] > 50 * scotland[600]
    assert scotland[10] > 1000 * scotland[600]
