"""Hypocenters recovered from predicted arrival times with errors, among false picks."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.arrival_times import MIN_LOG_EVIDENCE
from models.seismic.association import locate
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.locate import locate_at_depth, locate_by_arrival_times
from models.seismic.association.search import uniform_prior
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg, geocentric
from models.seismic.location.region_calibration import scale_to_contain
from tests.support.synthetic_picks import NO_PEAKS, draw_stations, make_picks, simulate_picks


def locate_event(picks, latitudes, longitudes, prior=uniform_prior, starts=()):
    data = collect_candidates(picks, [NO_PEAKS] * len(picks), latitudes, longitudes)
    return locate_by_arrival_times(data, prior, starts)


def error_km(solution, source):
    best = solution.regions[0]
    return float(distance_deg(*source, best.latitude_deg, best.longitude_deg)) * KM_PER_DEGREE


def test_a_local_network_locates_the_event_among_false_picks():
    rng = np.random.default_rng(1)
    source = (61.4, -149.7)
    stations = draw_stations(rng, (62.0, -149.0), 12, 3.0)
    solution = locate_event(simulate_picks(rng, source, 15.0, *stations, (-60.0, 300.0)), *stations)
    assert error_km(solution, source) < 10.0
    assert abs(solution.depth_time.time_s) < 3.0
    assert solution.log_evidence > MIN_LOG_EVIDENCE
    assert sum(arrival.phase == "P" for arrival in solution.arrivals) >= 7


def test_a_global_network_resolves_epicenter_depth_and_origin_time_of_a_deep_event():
    rng = np.random.default_rng(2)
    source = (-21.0, -178.5)
    stations = draw_stations(rng, source, 16, 95.0, 25.0)
    picks = simulate_picks(rng, source, 500.0, *stations, (-600.0, 3000.0), phases=("P", "S", "pP"))
    solution = locate_event(picks, *stations)
    assert error_km(solution, source) < 30.0
    assert solution.depth_time.depth_km == pytest.approx(500.0, abs=25.0)
    assert solution.depth_time.depth_uncertainty_km < 50.0


def test_an_array_yields_a_region_that_contains_the_epicenter():
    rng = np.random.default_rng(3)
    source = (24.7, 95.2)
    stations = draw_stations(rng, (-5.0, 35.0), 12, 4.0)
    solution = locate_event(simulate_picks(rng, source, 35.0, *stations, (-600.0, 3000.0), phases=("P", "S")), *stations)
    best = solution.regions[0]
    assert error_km(solution, source) < 2.5 * best.horizontal_uncertainty_km
    assert best.horizontal_uncertainty_km < 1500.0


def test_at_a_known_depth_an_array_finds_the_distance_of_a_deep_source():
    """The search takes the source for a shallow one, with the same S less P nearer to the array."""
    source, errors_km = (24.7, 140.2), []
    for seed in range(1, 5):
        rng = np.random.default_rng([31, seed])
        stations = draw_stations(rng, (60.0, 11.0), 14, 4.0)
        solution = locate_event(simulate_picks(rng, source, 450.0, *stations, (-600.0, 3000.0), error_s=0.3, phases=("P", "S")), *stations)
        again = locate_at_depth(solution, 450.0, 12.0)
        errors_km.append((error_km(solution, source), error_km(again, source)))
        assert scale_to_contain(again.regions[0], *source) < 1.0
        assert (again.depth_time.depth_km, again.depth_time.depth_uncertainty_km) == (450.0, pytest.approx(12.0))
    before, after = np.median(errors_km, axis=0)
    assert after < 0.4 * before


def test_a_solution_without_candidates_stays_at_a_known_depth():
    rng = np.random.default_rng(3)
    stations = draw_stations(rng, (-5.0, 35.0), 12, 4.0)
    solution = locate_event(simulate_picks(rng, (24.7, 95.2), 35.0, *stations, (-600.0, 3000.0), phases=("P", "S")), *stations)
    kept = replace(solution, candidates=None)
    assert locate_at_depth(kept, 400.0, 10.0) is kept


@pytest.mark.parametrize(("seed", "start_beneath"), [(0, True), (1, False)])
def test_core_phases_at_an_array_are_not_explained_by_a_source_beneath_it(seed, start_beneath):
    rng = np.random.default_rng(20 + seed)
    source = (-23.9, 180.0)
    center = destination(*source, 350.0, 149.0)
    stations = destination(*center, rng.uniform(0.0, 360.0, 20), 5.0 * np.sqrt(rng.uniform(size=20)))
    phases = ("PKP", "PKPbc", "PKPab")
    picks = simulate_picks(rng, source, 520.0, *stations, (990.0, 1300.0), error_s=1.0, missed=0.4, phases=phases)
    solution = locate_event(picks, *stations, starts=[geocentric(*map(float, center))] if start_beneath else ())
    assert min(scale_to_contain(region, *source) / region.axis_ratio_90 for region in solution.regions) < 1.5
    assert all(distance_deg(*center, region.latitude_deg, region.longitude_deg) > 90.0 for region in solution.regions)


def test_a_deep_source_beneath_a_network_is_located_there():
    rng = np.random.default_rng(30)
    source = (-21.0, -178.5)
    stations = draw_stations(rng, (-21.5, -178.0), 15, 5.0)
    solution = locate_event(simulate_picks(rng, source, 550.0, *stations, (-60.0, 400.0), phases=("P", "S")), *stations)
    assert error_km(solution, source) < 60.0
    assert solution.depth_time.depth_km == pytest.approx(550.0, abs=60.0)


@pytest.mark.parametrize("seed", range(4))
def test_picks_of_a_source_beneath_the_crust_are_not_taken_for_guided_waves_too(seed):
    """One pick that might be Pn or Pg does not explain both, which would make every source near a network shallow."""
    rng, source = np.random.default_rng(seed), (-22.0, -68.5)
    stations = draw_stations(rng, (-22.5, -69.0), 14, 4.5, 0.5)
    picks = simulate_picks(rng, source, 140.0, *stations, (-60.0, 300.0), error_s=1.5, phases=("P", "S"))
    solution = locate_event([replace(pick, uncertainties_s=np.full(len(pick.times_s), 1.5)) for pick in picks], *stations)
    joint = solution.depth_time
    assert joint.depth_km == pytest.approx(140.0, abs=2.0 * joint.depth_uncertainty_km)
    assert joint.depth_km > 80.0
    assert error_km(solution, source) < 40.0


@pytest.mark.parametrize("ratio", [0.96, 1.05])
def test_a_slow_or_fast_crust_does_not_move_the_origin_time(ratio):
    rng, source = np.random.default_rng(14), (39.0, -118.0)
    stations = draw_stations(rng, source, 20, 5.0)
    picks = simulate_picks(rng, source, 12.0, *stations, (-60.0, 500.0), error_s=0.3, missed=0.3, phases=("P", "Pg", "S", "Sg"))
    slowed = [replace(pick, times_s=ratio * pick.times_s) for pick in picks]  # the origin time is 0
    solution = locate_event(slowed, *stations)
    assert abs(solution.depth_time.time_s) < 0.8
    assert error_km(solution, source) < 8.0


def test_a_depth_constrained_by_teleseismic_first_arrivals_alone_is_uncertain():
    rng = np.random.default_rng(31)
    source = (3.3, 95.8)
    stations = draw_stations(rng, source, 20, 85.0, 40.0)
    solution = locate_event(simulate_picks(rng, source, 30.0, *stations, (-600.0, 1500.0), phases=("P",)), *stations)
    assert error_km(solution, source) < 60.0
    assert solution.depth_time.depth_uncertainty_km > 25.0


def test_a_wrong_prior_is_overruled_by_the_picks_of_a_network():
    rng = np.random.default_rng(4)
    source = (38.0, 27.0)
    stations = draw_stations(rng, (38.5, 26.0), 12, 4.0)

    def wrong_prior(nodes):
        far = np.array([np.cos(np.radians(-40.0)), 0.0, np.sin(np.radians(-40.0))])
        return np.logaddexp(np.log(0.1), np.log(0.9) + 9.0 - 500.0 * (1.0 - nodes @ far))

    solution = locate_event(simulate_picks(rng, source, 10.0, *stations, (-30.0, 390.0)), *stations, prior=wrong_prior)
    assert error_km(solution, source) < 10.0


@pytest.mark.parametrize("seed", range(4))
def test_false_picks_alone_stay_below_the_evidence_threshold(seed):
    rng = np.random.default_rng(seed)
    stations = draw_stations(rng, (10.0, 20.0), (4, 12, 12, 25)[seed], (3.0, 3.0, 5.0, 80.0)[seed])
    span = (0.0, 400.0) if seed < 2 else (0.0, 3600.0)
    picks = [make_picks(rng, np.zeros(0), span, false=6) for _ in range(len(stations[0]))]
    solution = locate_event(picks, *stations)
    assert solution is None or solution.log_evidence < MIN_LOG_EVIDENCE


def test_the_solution_does_not_depend_on_the_absolute_time():
    rng = np.random.default_rng(6)
    source = (10.0, 20.0)
    stations = draw_stations(rng, source, 10, 5.0)
    picks = simulate_picks(rng, source, 10.0, *stations, (-60.0, 300.0))
    later = [replace(pick, start_s=pick.start_s + 1e9, end_s=pick.end_s + 1e9, times_s=pick.times_s + 1e9) for pick in picks]
    first, second = locate_event(picks, *stations), locate_event(later, *stations)
    assert second.depth_time.time_s - 1e9 == pytest.approx(first.depth_time.time_s, abs=0.1)
    assert second.regions[0].latitude_deg == pytest.approx(first.regions[0].latitude_deg, abs=1e-3)


def test_an_unambiguous_source_near_a_start_is_not_searched_for_elsewhere(monkeypatch):
    rng = np.random.default_rng(40)
    source = (38.0, 143.0)
    stations = draw_stations(rng, source, 14, 90.0, 30.0)
    picks = simulate_picks(rng, source, 35.0, *stations, (-600.0, 3000.0), missed=0.05)
    from_everywhere = locate_event(picks, *stations)
    monkeypatch.setattr(locate, "search_sources", None)
    from_start = locate_event(picks, *stations, starts=[geocentric(41.0, 140.5)])
    assert error_km(from_start, source) < 15.0
    best, other = from_start.regions[0], from_everywhere.regions[0]
    apart_km = distance_deg(best.latitude_deg, best.longitude_deg, other.latitude_deg, other.longitude_deg) * KM_PER_DEGREE
    assert apart_km < 0.3 * best.horizontal_uncertainty_km
    assert from_start.log_evidence == pytest.approx(from_everywhere.log_evidence, abs=0.5)


def test_picks_of_pg_do_not_make_the_origin_late():
    rng, source = np.random.default_rng(12), (39.0, -118.0)
    stations = draw_stations(rng, source, 16, 5.0, 2.0)
    picks = simulate_picks(rng, source, 8.0, *stations, (-60.0, 400.0), missed=0.4, phases=("P", "Pg", "S", "Sg"))
    solution = locate_event(picks, *stations)
    assert abs(solution.depth_time.time_s) < 2.0
    assert error_km(solution, source) < 15.0
    assert sum(arrival.phase == "Pg" for arrival in solution.arrivals) >= 5
