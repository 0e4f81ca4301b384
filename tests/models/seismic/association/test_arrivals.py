"""Association of picks with the phases of a source, and what the association says of the source."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.association.arrivals import (
    Arrival,
    associate_arrivals,
    associate_with_hypocenter,
    is_unambiguous,
    residual_ratio,
)
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.grid_scan import TrialSource
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, geocentric
from models.seismic.signal.picker import Picks
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks
from tests.support.synthetic_picks import DEPTH_KM, NO_PEAKS, SOURCE, draw_stations, make_picks, simulate_picks, teleseismic_candidates


@pytest.fixture
def source():
    return TrialSource(geocentric(*SOURCE), DEPTH_KM, -teleseismic_candidates().clock_s, 0.0)


def test_residuals_are_observed_minus_predicted_times(source):
    data = teleseismic_candidates()
    arrivals = [arrival for arrival in associate_arrivals(data, source) if arrival.phase == "P"]
    assert len(arrivals) >= 15
    for arrival in arrivals:
        distance = data.distances_deg(source.point)[data.trace_indices == arrival.trace_index]
        assert arrival.residual_s == pytest.approx(arrival.time_s - float(travel_time_s("P", distance, DEPTH_KM)[0]), abs=0.01)
        assert abs(arrival.residual_s) <= 3.0 * arrival.uncertainty_s


def associate_near_picks(relative_s):
    """Associate picks, each uncertain by 4 s, at these times after P of a source within half a degree of three stations."""
    rng, longitudes, depth_km = np.random.default_rng(3), np.array([0.3, 0.4, 0.5]), 5.0
    p_times = [float(travel_time_s("P", degrees, depth_km)) for degrees in longitudes]
    picks = [make_picks(rng, time + np.array(relative_s), (-100.0, 400.0), false=0) for time in p_times]
    picks = [replace(made, uncertainties_s=np.full(len(relative_s), 4.0)) for made in picks]
    data = collect_candidates(picks, [EnvelopePeaks(np.zeros(0), np.zeros(0))] * 3, np.zeros(3), longitudes)
    arrivals = associate_arrivals(data, TrialSource(geocentric(0.0, 0.0), depth_km, -data.clock_s, 0.0))
    return [arrival.phase for arrival in arrivals]


def test_a_pick_before_p_is_no_s():
    """S follows P by 3.9 to 6.5 s here, so that a pick 5 s before P is within three standard deviations of it."""
    assert associate_near_picks([-5.0, 0.0]) == 3 * ["P"]
    assert associate_near_picks([0.0, 5.0]) == 3 * ["P", "S"]


def test_phases_and_residuals_are_those_of_the_stated_hypocenter():
    """Picks of pP of a source at 360 km are sP of one at 225 km; an origin time that is stated 5 s late delays no pick out of its phase."""
    rng = np.random.default_rng(41)
    stations = draw_stations(rng, SOURCE, 15, 90.0, 40.0)
    picks = simulate_picks(rng, SOURCE, 360.0, *stations, (-600.0, 3000.0), missed=0.0, phases=("P", "pP", "S"))
    data = collect_candidates(picks, [NO_PEAKS] * 15, *stations)
    shallow, stated = (TrialSource(geocentric(*SOURCE), km, time_s - data.clock_s, 0.0) for km, time_s in ((225.0, -11.0), (360.0, 5.0)))
    fitting = associate_arrivals(data, shallow)
    assert sum(one.phase == "sP" for one in fitting) >= 10
    listed = associate_with_hypocenter(data, fitting, stated)
    assert {one.phase for one in listed} == {"P", "pP", "S"}
    for phase in ("P", "pP", "S"):
        residuals = [one.residual_s for one in listed if one.phase == phase]
        assert len(residuals) >= 14
        assert np.median(residuals) == pytest.approx(-5.0, abs=1.0)


def test_without_first_arrivals_the_stated_origin_time_counts(source):
    assert associate_with_hypocenter(teleseismic_candidates(), (), source) == associate_arrivals(teleseismic_candidates(), source)


def test_picks_on_horizontal_components_are_associated_with_s_only(source):
    data = teleseismic_candidates()
    horizontal = replace(data, later_weights=np.zeros_like(data.later_weights), first_weights=np.zeros_like(data.first_weights))
    assert {arrival.phase for arrival in associate_arrivals(horizontal, source)} == {"S"}


def test_rayleigh_peaks_are_associated_at_one_group_velocity():
    rng, longitudes = np.random.default_rng(2), np.array([20.0, 40.0, 60.0])
    times = longitudes * KM_PER_DEGREE / 3.35
    picks = [make_picks(rng, np.zeros(0), (-100.0, 4000.0)) for _ in longitudes]
    peaks = [EnvelopePeaks(np.array([time, time + 500.0]), np.array([3.0, 2.0])) for time in times]
    data = collect_candidates(picks, peaks, np.zeros(3), longitudes)
    rayleigh = [
        arrival for arrival in associate_arrivals(data, TrialSource(geocentric(0.0, 0.0), 10.0, 100.0, 0.0)) if arrival.phase == "LR"
    ]
    assert [arrival.trace_index for arrival in rayleigh] == [0, 1, 2]
    np.testing.assert_allclose([arrival.time_s for arrival in rayleigh], times)


def test_a_source_is_ambiguous_with_stations_on_one_side_few_stations_or_misfitting_times(source):
    data = teleseismic_candidates()
    assert is_unambiguous(data, source)
    northern = np.argsort(-data.stations[:, 2])[:9]
    assert not is_unambiguous(data.subset(np.sort(northern)), source)
    assert not is_unambiguous(data.subset(np.arange(7)), source)
    assert not is_unambiguous(data, replace(source, time_s=source.time_s + 60.0))


def test_residuals_that_exceed_their_uncertainties_enlarge_the_errors_unless_they_are_few():
    def arrivals(count, deviation):
        return [Arrival(i, "P", 0.0, 2.0 * deviation, 2.0) for i in range(count)] + [Arrival(0, "LR", 0.0, 90.0, 1.0)]

    assert residual_ratio(()) == residual_ratio(arrivals(20, 0.6)) == 1.0
    assert residual_ratio(arrivals(200, 1.4)) == pytest.approx(1.4 / np.sqrt(0.5), rel=0.03)
    assert 1.0 < residual_ratio(arrivals(3, 1.4)) < 0.8 * residual_ratio(arrivals(200, 1.4))


def test_a_pick_at_the_time_of_pg_is_pg_only_where_crustal_phases_are_asked_for():
    rng, longitudes, depth_km = np.random.default_rng(7), np.array([2.0, 3.0, 4.0, 5.0, 6.0]), 10.0
    source = TrialSource(geocentric(0.0, 0.0), depth_km, 0.0, 0.0)
    times = [float(travel_time_s("Pg" if index % 2 else "P", degrees, depth_km)) for index, degrees in enumerate(longitudes)]
    picks = [make_picks(rng, np.array([time]), (0.0, 400.0), false=0) for time in times]
    data = collect_candidates(picks, [EnvelopePeaks(np.zeros(0), np.zeros(0))] * 5, np.zeros(5), longitudes)
    table_only = {arrival.phase for arrival in associate_arrivals(data, source)}
    found = [arrival.phase for arrival in associate_arrivals(replace(data, crustal=True), source)]
    assert "Pg" not in table_only
    assert found == ["P", "Pg", "P", "Pg", "P"]


def test_waves_guided_by_the_crust_are_picked_at_short_periods_only():
    source, times = TrialSource(geocentric(0.0, 0.0), 10.0, 0.0, 0.0), [float(travel_time_s("Pg", degrees, 10.0)) for degrees in (3.0, 4.0)]
    for band, expected in ((1, ["Pg", "Pg"]), (3, [])):
        picks = [Picks(0.0, 400.0, np.array([t]), np.ones(1), np.full(1, 4.0), np.array([band]), np.zeros(1, np.bool_)) for t in times]
        data = collect_candidates(picks, [EnvelopePeaks(np.zeros(0), np.zeros(0))] * 2, np.zeros(2), np.array([3.0, 4.0]))
        found = [one.phase for one in associate_arrivals(replace(data, crustal=True), source)]
        assert [phase for phase in found if phase == "Pg"] == expected
