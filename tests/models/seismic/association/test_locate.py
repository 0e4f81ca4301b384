"""Sources found again from onsets that were computed, blurred and mixed with false ones."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.refinement import MIN_LOG_EVIDENCE
from models.seismic.association import grid_scan, locate
from models.seismic.association.arrivals import is_unambiguous
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.locate import locate_by_arrival_times
from models.seismic.association.search import refine_source, search_near, uniform_prior
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg, geocentric, geocentric_latitude_deg
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.location.sphere_grid import points_at_offsets
from models.seismic.signal.picker import Picks
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks

SILENT = EnvelopePeaks(np.zeros(0), np.zeros(0))


def onsets(rng, arrivals_s, span, false=3):
    """True onsets of one trace among false ones anywhere in its record."""
    times = np.concatenate((arrivals_s, rng.uniform(*span, false)))
    strengths = np.concatenate((rng.uniform(3.0, 7.0, len(arrivals_s)), rng.uniform(2.0, 3.5, false)))
    order = np.argsort(times)
    return Picks(
        *span, times[order], np.full(len(times), 0.6), strengths[order], np.ones(len(times), np.int64), np.zeros(len(times), np.bool_)
    )


def network(rng, source, depth_km, latitudes, longitudes, span, *, scatter_s=0.6, lost=0.2, phases=("P", "PKP", "S")):
    """Onsets at stations of an event at POSIX 0; a share of the phases is lost."""
    here = (geocentric_latitude_deg(source[0]), source[1])
    reach = distance_deg(*here, geocentric_latitude_deg(latitudes), longitudes)
    found = []
    for distance in reach:
        times = np.array([float(travel_time_s(phase, distance, depth_km)) for phase in phases])
        times = times[np.isfinite(times) & (rng.uniform(size=len(times)) > lost)]
        times = times + rng.normal(0.0, scatter_s, len(times))
        found.append(onsets(rng, times[(times > span[0]) & (times < span[1])], span))
    return found


def located(found, latitudes, longitudes, prior=uniform_prior, starts=()):
    data = collect_candidates(found, [SILENT] * len(found), latitudes, longitudes)
    return locate_by_arrival_times(data, prior, starts)


def error_km(solution, source):
    best = solution.regions[0]
    return float(distance_deg(*source, best.latitude_deg, best.longitude_deg)) * KM_PER_DEGREE


def spread_out(rng, center, count, widest_deg, nearest_deg=0.0):
    return destination(*center, rng.uniform(0.0, 360.0, count), rng.uniform(nearest_deg, widest_deg, count))


def test_a_local_network_finds_the_event_among_false_onsets():
    rng = np.random.default_rng(1)
    source = (61.4, -149.7)
    stations = spread_out(rng, (62.0, -149.0), 20, 3.0)
    solution = located(network(rng, source, 15.0, *stations, (-60.0, 300.0)), *stations)
    assert error_km(solution, source) < 10.0
    assert abs(solution.time_s) < 3.0
    assert solution.log_evidence > MIN_LOG_EVIDENCE
    assert sum(arrival.phase == "P" for arrival in solution.arrivals) >= 12


def test_a_global_network_finds_place_depth_and_time_of_a_deep_event():
    rng = np.random.default_rng(2)
    source = (-21.0, -178.5)
    stations = spread_out(rng, source, 25, 95.0, 25.0)
    found = network(rng, source, 500.0, *stations, (-600.0, 3000.0), phases=("P", "S", "pP"))
    solution = located(found, *stations)
    assert error_km(solution, source) < 30.0
    assert solution.depth_km == pytest.approx(500.0, abs=25.0)
    assert solution.depth_uncertainty_km < 50.0


def test_an_array_turns_a_ring_into_a_region_that_holds_the_truth():
    rng = np.random.default_rng(3)
    source = (24.7, 95.2)
    stations = spread_out(rng, (-5.0, 35.0), 20, 4.0)
    solution = located(network(rng, source, 35.0, *stations, (-600.0, 3000.0), phases=("P", "S")), *stations)
    best = solution.regions[0]
    assert error_km(solution, source) < 2.5 * best.horizontal_uncertainty_km
    assert best.horizontal_uncertainty_km < 1500.0


@pytest.mark.parametrize("begun_beneath", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_core_phases_at_an_array_are_not_taken_for_a_source_beneath_it(seed, begun_beneath):
    rng = np.random.default_rng(20 + seed)
    source = (-23.9, 180.0)
    middle = destination(*source, 350.0, 149.0)
    stations = destination(*middle, rng.uniform(0.0, 360.0, 40), 5.0 * np.sqrt(rng.uniform(size=40)))
    found = network(rng, source, 520.0, *stations, (990.0, 1300.0), scatter_s=1.0, lost=0.4, phases=("PKP", "PKPbc", "PKPab"))
    solution = located(found, *stations, starts=[geocentric(*map(float, middle))] if begun_beneath else ())
    assert min(scale_to_contain(place, *source) / place.outer for place in solution.regions) < 1.5
    assert all(distance_deg(*middle, place.latitude_deg, place.longitude_deg) > 90.0 for place in solution.regions)


def test_a_source_beneath_a_network_is_found_there():
    rng = np.random.default_rng(30)
    source = (-21.0, -178.5)
    stations = spread_out(rng, (-21.5, -178.0), 25, 5.0)
    solution = located(network(rng, source, 550.0, *stations, (-60.0, 400.0), phases=("P", "S")), *stations)
    assert error_km(solution, source) < 60.0
    assert solution.depth_km == pytest.approx(550.0, abs=60.0)


def test_a_depth_that_only_far_first_arrivals_tell_is_not_told_closely():
    rng = np.random.default_rng(31)
    source = (3.3, 95.8)
    stations = spread_out(rng, source, 30, 85.0, 40.0)
    solution = located(network(rng, source, 30.0, *stations, (-600.0, 1500.0), phases=("P",)), *stations)
    assert error_km(solution, source) < 60.0
    assert solution.depth_uncertainty_km > 25.0


def test_distances_that_lead_astray_are_overruled_by_a_network_of_onsets():
    rng = np.random.default_rng(4)
    source = (38.0, 27.0)
    stations = spread_out(rng, (38.5, 26.0), 25, 4.0)

    def astray(nodes):
        far = np.array([np.cos(np.radians(-40.0)), 0.0, np.sin(np.radians(-40.0))])
        return np.logaddexp(np.log(0.1), np.log(0.9) + 9.0 - 500.0 * (1.0 - nodes @ far))

    solution = located(network(rng, source, 10.0, *stations, (-30.0, 390.0)), *stations, prior=astray)
    assert error_km(solution, source) < 10.0


@pytest.mark.parametrize("seed", range(4))
def test_false_onsets_alone_are_not_believed(seed):
    rng = np.random.default_rng(seed)
    stations = spread_out(rng, (10.0, 20.0), (4, 12, 12, 25)[seed], (3.0, 3.0, 5.0, 80.0)[seed])
    span = (0.0, 400.0) if seed < 2 else (0.0, 3600.0)
    found = [onsets(rng, np.zeros(0), span, false=6) for _ in range(len(stations[0]))]
    solution = located(found, *stations)
    assert solution is None or solution.log_evidence < MIN_LOG_EVIDENCE


def test_nothing_heard_is_nothing_found():
    rng = np.random.default_rng(5)
    latitudes, longitudes = spread_out(rng, (0.0, 0.0), 5, 5.0)
    empty = [onsets(rng, np.zeros(0), (0.0, 300.0), false=0) for _ in latitudes]
    assert collect_candidates(empty, [SILENT] * 5, latitudes, longitudes) is None


def test_the_answer_does_not_depend_on_the_clock():
    rng = np.random.default_rng(6)
    source = (10.0, 20.0)
    stations = spread_out(rng, source, 10, 5.0)
    found = network(rng, source, 10.0, *stations, (-60.0, 300.0))
    later = [replace(o, start_s=o.start_s + 1e9, end_s=o.end_s + 1e9, times_s=o.times_s + 1e9) for o in found]
    first, second = located(found, *stations), located(later, *stations)
    assert second.time_s - 1e9 == pytest.approx(first.time_s, abs=0.1)
    assert second.regions[0].latitude_deg == pytest.approx(first.regions[0].latitude_deg, abs=1e-3)


@pytest.fixture(scope="module")
def teleseismic():
    """An event heard all around, and a start four degrees from it."""
    rng = np.random.default_rng(40)
    source = (38.0, 143.0)
    stations = spread_out(rng, source, 20, 90.0, 30.0)
    found = network(rng, source, 35.0, *stations, (-600.0, 3000.0), lost=0.05)
    return source, collect_candidates(found, [SILENT] * 20, *stations), geocentric(41.0, 140.5)


def test_a_source_beyond_doubt_near_a_start_is_not_looked_for_elsewhere(teleseismic, monkeypatch):
    source, data, start = teleseismic
    everywhere = locate_by_arrival_times(data, uniform_prior)
    monkeypatch.setattr(locate, "search_sources", None)
    near = locate_by_arrival_times(data, uniform_prior, [start])
    assert error_km(near, source) < 15.0
    best, same = near.regions[0], everywhere.regions[0]
    assert distance_deg(best.latitude_deg, best.longitude_deg, same.latitude_deg, same.longitude_deg) * KM_PER_DEGREE < 2.0
    assert near.log_evidence == pytest.approx(everywhere.log_evidence, abs=0.5)


def test_a_source_is_in_doubt_where_it_is_heard_on_one_side_or_by_few(teleseismic):
    _, data, start = teleseismic
    source = refine_source(data, search_near(data, uniform_prior, [start])[0], uniform_prior)
    assert is_unambiguous(data, source)
    north = np.flatnonzero(data.stations @ source.point < 2.0)[np.argsort(-data.stations[:, 2])]
    assert not is_unambiguous(data.subset(np.sort(north[:9])), source)
    assert not is_unambiguous(data.subset(np.arange(7)), source)
    shifted = grid_scan.TrialSource(source.point, source.depth_km, source.time_s + 60.0, source.score)
    assert not is_unambiguous(data, shifted)


@pytest.mark.parametrize("reach_deg", [0.5, 5.0, 30.0])
def test_what_is_looked_at_around_the_arrivals_holds_all_that_nodes_and_depths_move(teleseismic, reach_deg, monkeypatch):
    source, data, _ = teleseismic
    anchor = grid_scan.TrialSource(geocentric(*source), 35.0, 0.0, 0.0)
    steps = np.linspace(-reach_deg, reach_deg, 5)
    nodes = points_at_offsets(anchor.point, *(part.ravel() for part in np.meshgrid(steps, steps)))

    def scanned():
        return grid_scan.scan_grid(
            data,
            nodes,
            (5.0, 70.0, 575.0),
            (-30.0, 30.0, 1.0),
            np.full(20, 1.0),
            distances_deg=data.distances_deg(anchor.point),
            anchor=anchor,
        )

    near = scanned()
    monkeypatch.setattr(grid_scan, "CROP_S", 4000.0)
    np.testing.assert_allclose(near.max_llr, scanned().max_llr, atol=1e-3)
