"""Back azimuths from the polarization of synthetic waves; none from noise, Love waves, or components of unknown azimuth."""

import numpy as np
import pytest

from models.seismic.geodesy import azimuth_deg, destination, geocentric_latitude_deg, unit_vectors
from models.seismic.polarization.back_azimuth import BINS, STEP_DEG, measure_back_azimuths, sum_back_azimuth_llr
from models.seismic.signal.picker import pick_records
from models.seismic.signal.rotation import rotate_to_north_east
from tests.support.three_components import overlapping_waves, p_wave, station, surface_wave

STATION = (40.0, 25.0)


def measure(*records):
    return measure_back_azimuths(records, pick_records(records))


def most_likely_deg(likelihoods) -> float:
    return STEP_DEG * float(np.argmax(likelihoods.llr_by_azimuth[0]))


def difference_deg(first: float, second: float) -> float:
    return abs((first - second + 180.0) % 360.0 - 180.0)


@pytest.mark.parametrize("back_azimuth_deg", [10.0, 130.0, 275.0])
@pytest.mark.parametrize("kind", ["P", "Rayleigh"])
def test_the_back_azimuth_of_a_wave_is_measured_without_an_ambiguity_of_180_degrees(kind, back_azimuth_deg):
    motion, rate_hz = (p_wave(back_azimuth_deg), 10.0) if kind == "P" else (surface_wave(back_azimuth_deg), 1.0)
    for sign in (1.0, -1.0):  # whatever the polarity of the first motion
        likelihoods = measure(station("AAA", sign * motion, rate_hz, STATION))
        assert difference_deg(most_likely_deg(likelihoods), back_azimuth_deg) <= 15.0
        assert likelihoods.llr_by_azimuth[0].max() > 1.5
        opposite = round((back_azimuth_deg + 180.0) / STEP_DEG) % BINS
        assert likelihoods.llr_by_azimuth[0, opposite] < -0.7


def test_components_of_other_azimuths_are_rotated():
    rotated = measure(station("AAA", p_wave(130.0), 10.0, STATION, (35.0, 125.0)))
    assert difference_deg(most_likely_deg(rotated), 130.0) <= 15.0


@pytest.mark.parametrize("azimuths_deg", [(np.nan, np.nan), (0.0, 10.0)])
def test_components_of_unknown_azimuth_give_no_back_azimuth(azimuths_deg):
    record = station("AAA", p_wave(130.0), 10.0, STATION, azimuths_deg)
    assert rotate_to_north_east(record.horizontals) is None
    assert measure(record) is None


def test_a_love_wave_is_not_taken_for_a_rayleigh_wave():
    assert measure(station("AAA", surface_wave(60.0, love=True), 1.0, STATION)) is None


def test_noise_rarely_gives_a_back_azimuth():
    rng = np.random.default_rng(5)
    records = [station(f"N{number}", rng.normal(0.0, 1.0, (3, 6000)), 10.0, STATION) for number in range(60)]
    likelihoods = measure(*records)
    assert likelihoods is None or len(likelihoods.llr_by_azimuth) < 12


@pytest.mark.parametrize("ratio", [1.5, 3.0, 8.0])
@pytest.mark.parametrize("kind", ["P", "Rayleigh"])
def test_likelihoods_are_calibrated(kind, ratio):
    """The mean log-likelihood ratio of true back azimuths is positive, and 68 % confidence sets contain them often enough."""
    rng = np.random.default_rng(7)
    true = rng.uniform(0.0, 360.0, 40)
    draw, rate_hz = (p_wave, 10.0) if kind == "P" else (surface_wave, 1.0)
    values, levels = [], []
    for number, back_azimuth_deg in enumerate(true):
        likelihoods = measure(station("AAA", draw(back_azimuth_deg, ratio, 100 + number), rate_hz, STATION))
        if likelihoods is not None:
            at = round(back_azimuth_deg / STEP_DEG) % BINS
            values.append(likelihoods.llr_by_azimuth[0, at])
            likelihood = np.exp(likelihoods.llr_by_azimuth[0])
            levels.append(float(likelihood[likelihoods.llr_by_azimuth[0] > likelihoods.llr_by_azimuth[0, at]].sum() / likelihood.sum()))
    assert ratio < 8.0 or len(values) > 35
    if len(values) > 5:
        assert np.mean(values) > 0.0
        assert np.mean(np.array(levels) <= 0.68) >= 0.6


def test_two_back_azimuths_intersect_at_the_source():
    source = np.array([10.0, 60.0])
    stations = [STATION, (-5.0, 20.0)]
    records = [
        station(f"S{number}", p_wave(float(azimuth_deg(*coordinates, *source))), 10.0, coordinates)
        for number, coordinates in enumerate(stations)
    ]
    likelihoods = measure(*records)
    latitudes, longitudes = np.meshgrid(np.arange(-60.0, 61.0, 4.0), np.arange(-180.0, 180.0, 4.0))
    nodes = unit_vectors(geocentric_latitude_deg(latitudes.ravel()), longitudes.ravel())
    density = likelihoods.log_likelihood(nodes)
    best = int(np.argmax(density))
    assert abs(latitudes.ravel()[best] - source[0]) <= 12.0
    assert abs(longitudes.ravel()[best] - source[1]) <= 12.0
    for coordinates in stations:
        back = float(azimuth_deg(*coordinates, *source))
        before = unit_vectors(*(part.ravel() for part in destination(*coordinates, back, np.array([20.0]))))
        behind = unit_vectors(*(part.ravel() for part in destination(*coordinates, back + 180.0, np.array([20.0]))))
        assert likelihoods.log_likelihood(before)[0] > likelihoods.log_likelihood(behind)[0]


def test_back_azimuths_come_with_trace_indices_and_uncertainties():
    quiet = np.random.default_rng(3).normal(0.0, 1.0, (3, 6000))
    drawn = {"N": quiet, "A": p_wave(130.0, 30.0), "B": p_wave(250.0, 5.0)}
    likelihoods = measure(*(station(name, motion, 10.0, STATION) for name, motion in drawn.items()))
    assert likelihoods.trace_indices.tolist() == [1, 2]
    azimuths, halves = likelihoods.back_azimuths_deg()
    assert np.all([difference_deg(*pair) <= 15.0 for pair in zip(azimuths, (130.0, 250.0), strict=True)])
    assert 5.0 < halves[0] < halves[1] < 90.0


def test_a_wave_truncated_by_the_end_of_the_record_has_a_lower_likelihood_ratio():
    heights = []
    for seed in range(1, 13):
        whole = p_wave(130.0, 8.0, seed)
        cut = [whole[:, : whole.shape[1] // 2 + count] for count in (200, 34)]
        heights.append([measure(station("AAA", motion, 10.0, STATION)).llr_by_azimuth[0].max() for motion in cut])
    assert np.mean(heights, axis=0)[0] > np.mean(heights, axis=0)[1] + 0.05


def test_neighboring_stations_count_less_than_independent_ones():
    single = [station("AAA", p_wave(130.0), 10.0, STATION)]
    array = single * 9
    node = unit_vectors(*(part.ravel() for part in destination(*STATION, 130.0, np.array([50.0]))))
    once, nine_times = (measure(*records).log_likelihood(node)[0] for records in (single, array))
    assert nine_times == pytest.approx(3.0 * once)


def test_the_llr_of_stations_is_interpolated_at_their_back_azimuths():
    rng = np.random.default_rng(9)
    latitudes, longitudes, tables = rng.uniform(-80.0, 80.0, 3), rng.uniform(-180.0, 180.0, 3), rng.normal(size=(3, BINS))
    node_latitudes, node_longitudes = rng.uniform(-80.0, 80.0, 20), rng.uniform(-180.0, 180.0, 20)
    found = sum_back_azimuth_llr(unit_vectors(node_latitudes, node_longitudes), unit_vectors(latitudes, longitudes), tables)
    expected = np.zeros(20)
    for latitude, longitude, table in zip(latitudes, longitudes, tables, strict=True):
        azimuths = azimuth_deg(latitude, longitude, node_latitudes, node_longitudes)
        expected += np.interp(azimuths, STEP_DEG * np.arange(BINS + 1), np.append(table, table[0]))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_band_passed_records_of_overlapping_waves_state_wide_back_azimuths():
    """
    Records of 30 to 50 s hold few independent cycles, so that overlapping Love and Rayleigh waves measure no back azimuth surely.

    With the cycles of the band that is read, not of the one that the records hold, the mean log-likelihood ratio at the truth is 0.64.
    """
    values, levels = [], []
    for number, back_azimuth_deg in enumerate(np.random.default_rng(2).uniform(0.0, 360.0, 60)):
        likelihoods = measure(station("AAA", overlapping_waves(back_azimuth_deg, number), 1.0, STATION))
        if likelihoods is not None:
            at = likelihoods.llr_by_azimuth[0, round(back_azimuth_deg / STEP_DEG) % BINS]
            likelihood = np.exp(likelihoods.llr_by_azimuth[0])
            values.append(at)
            levels.append(float(likelihood[likelihoods.llr_by_azimuth[0] > at].sum() / likelihood.sum()))
    assert len(levels) > 20
    assert np.mean(values) > 0.8
    assert np.mean(np.array(levels) <= 0.68) >= 0.68
