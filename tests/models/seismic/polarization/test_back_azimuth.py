"""Directions that single stations with three components tell, and that they tell nothing where they know nothing."""

import numpy as np
import pytest

from models.seismic.geodesy import azimuth_deg, destination, geocentric_latitude_deg, unit_vectors
from models.seismic.polarization.back_azimuth import BINS, STEP_DEG, measure_back_azimuths
from models.seismic.signal.picker import pick_records
from models.seismic.signal.rotation import rotate_to_north_east
from tests.support.three_components import p_wave, station, surface_wave

PLACE = (40.0, 25.0)


def told(*records):
    return measure_back_azimuths(records, pick_records(records))


def likeliest(motions) -> float:
    return STEP_DEG * float(np.argmax(motions.llr_by_azimuth[0]))


def apart(first: float, second: float) -> float:
    return abs((first - second + 180.0) % 360.0 - 180.0)


@pytest.mark.parametrize("back_azimuth_deg", [10.0, 130.0, 275.0])
@pytest.mark.parametrize("kind", ["P", "Rayleigh"])
def test_a_wave_points_to_where_it_came_from_and_not_the_other_way(kind, back_azimuth_deg):
    motion, rate_hz = (p_wave(back_azimuth_deg), 10.0) if kind == "P" else (surface_wave(back_azimuth_deg), 1.0)
    for sign in (1.0, -1.0):  # pushed or pulled first, it came from there
        motions = told(station("AAA", sign * motion, rate_hz, PLACE))
        assert apart(likeliest(motions), back_azimuth_deg) <= 15.0
        assert motions.llr_by_azimuth[0].max() > 1.5
        opposite = round((back_azimuth_deg + 180.0) / STEP_DEG) % BINS
        assert motions.llr_by_azimuth[0, opposite] < -0.7


def test_components_that_point_elsewhere_are_turned():
    turned = told(station("AAA", p_wave(130.0), 10.0, PLACE, (35.0, 125.0)))
    assert apart(likeliest(turned), 130.0) <= 15.0


@pytest.mark.parametrize("azimuths_deg", [(np.nan, np.nan), (0.0, 10.0)])
def test_components_that_point_nowhere_known_say_nothing(azimuths_deg):
    record = station("AAA", p_wave(130.0), 10.0, PLACE, azimuths_deg)
    assert rotate_to_north_east(record.horizontals) is None
    assert told(record) is None


def test_a_love_wave_is_not_taken_for_a_rayleigh_wave():
    assert told(station("AAA", surface_wave(60.0, love=True), 1.0, PLACE)) is None


def test_noise_says_next_to_nothing():
    rng = np.random.default_rng(5)
    records = [station(f"N{number}", rng.normal(0.0, 1.0, (3, 6000)), 10.0, PLACE) for number in range(60)]
    motions = told(*records)
    assert motions is None or len(motions.llr_by_azimuth) < 12


@pytest.mark.parametrize("ratio", [1.5, 3.0, 8.0])
@pytest.mark.parametrize("kind", ["P", "Rayleigh"])
def test_what_stations_say_is_no_surer_than_it_should_be(kind, ratio):
    """Told odds pay off on average, and the true direction is as likely as the tables say, for those that say anything."""
    rng = np.random.default_rng(7)
    true = rng.uniform(0.0, 360.0, 40)
    draw, rate_hz = (p_wave, 10.0) if kind == "P" else (surface_wave, 1.0)
    values, depths = [], []
    for number, back_azimuth_deg in enumerate(true):
        motions = told(station("AAA", draw(back_azimuth_deg, ratio, 100 + number), rate_hz, PLACE))
        if motions is not None:
            at = round(back_azimuth_deg / STEP_DEG) % BINS
            values.append(motions.llr_by_azimuth[0, at])
            shares = np.exp(motions.llr_by_azimuth[0])
            depths.append(float(shares[motions.llr_by_azimuth[0] > motions.llr_by_azimuth[0, at]].sum() / shares.sum()))
    assert ratio < 8.0 or len(values) > 35
    if len(values) > 5:
        assert np.mean(values) > 0.0
        assert np.mean(np.array(depths) <= 0.68) >= 0.6


def test_two_stations_cross_where_the_source_is():
    source = np.array([10.0, 60.0])
    places = [PLACE, (-5.0, 20.0)]
    records = [station(f"S{number}", p_wave(float(azimuth_deg(*place, *source))), 10.0, place) for number, place in enumerate(places)]
    motions = told(*records)
    latitudes, longitudes = np.meshgrid(np.arange(-60.0, 61.0, 4.0), np.arange(-180.0, 180.0, 4.0))
    nodes = unit_vectors(geocentric_latitude_deg(latitudes.ravel()), longitudes.ravel())
    density = motions.log_likelihood(nodes)
    best = int(np.argmax(density))
    assert abs(latitudes.ravel()[best] - source[0]) <= 12.0
    assert abs(longitudes.ravel()[best] - source[1]) <= 12.0
    for place in places:
        back = float(azimuth_deg(*place, *source))
        before = unit_vectors(*(part.ravel() for part in destination(*place, back, np.array([20.0]))))
        behind = unit_vectors(*(part.ravel() for part in destination(*place, back + 180.0, np.array([20.0]))))
        assert motions.log_likelihood(before)[0] > motions.log_likelihood(behind)[0]


def test_stations_are_told_with_their_numbers_and_how_sure_they_are():
    quiet = np.random.default_rng(3).normal(0.0, 1.0, (3, 6000))
    drawn = {"N": quiet, "A": p_wave(130.0, 30.0), "B": p_wave(250.0, 5.0)}
    motions = told(*(station(name, motion, 10.0, PLACE) for name, motion in drawn.items()))
    assert motions.trace_indices.tolist() == [1, 2]
    azimuths, halves = motions.back_azimuths_deg()
    assert np.all([apart(*pair) <= 15.0 for pair in zip(azimuths, (130.0, 250.0), strict=True)])
    assert 5.0 < halves[0] < halves[1] < 90.0


def test_a_wave_cut_short_by_the_records_end_says_less():
    heights = []
    for seed in range(1, 5):
        whole = p_wave(130.0, 8.0, seed)
        cut = [whole[:, : whole.shape[1] // 2 + count] for count in (200, 24)]
        heights.append([told(station("AAA", motion, 10.0, PLACE)).llr_by_azimuth[0].max() for motion in cut])
    assert np.mean(heights, axis=0)[0] > np.mean(heights, axis=0)[1] + 0.1


def test_neighbors_say_less_than_as_many_far_apart():
    alone = [station("AAA", p_wave(130.0), 10.0, PLACE)]
    together = alone * 9
    node = unit_vectors(*(part.ravel() for part in destination(*PLACE, 130.0, np.array([50.0]))))
    once, nine_times = (told(*records).log_likelihood(node)[0] for records in (alone, together))
    assert nine_times == pytest.approx(3.0 * once)
