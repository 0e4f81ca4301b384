import numpy as np
import pytest

from models.imaging.record_section import Placement, center_rows
from models.imaging.render import render_section
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.pictures import AZIMUTH_SECTION, DISTANCE_SECTION

TIMES_S = np.arange(5120)
ROWS, COLUMNS = DISTANCE_SECTION.rows, DISTANCE_SECTION.columns


def pulses(arrivals_s):
    samples = np.array(
        [np.exp(-0.5 * ((TIMES_S - a) / 60.0) ** 2) * np.cos(2 * np.pi * (TIMES_S - a) / 35.0) for a in arrivals_s], np.float32
    )
    none = np.full(len(samples), np.nan)
    return Gather(tuple(TraceId("XX", str(k), "", "LHZ") for k in range(len(samples))), 0.0, 1.0, samples, none, none)


def placement(distances_deg, azimuths_deg=None):
    distances_deg = np.asarray(distances_deg, float)
    return Placement(distances_deg, np.zeros(len(distances_deg)) if azimuths_deg is None else np.asarray(azimuths_deg, float))


@pytest.mark.parametrize(("distance_deg", "fraction"), [(0.0, 0.0), (45.0, 0.5), (80.0, 2 / 3), (180.0, 1.0)])
def test_distance_grows_downward_by_its_square_root(distance_deg, fraction):
    assert center_rows(DISTANCE_SECTION, placement([distance_deg])) == pytest.approx([fraction * ROWS], abs=0.01)


@pytest.mark.parametrize(("azimuth_deg", "fraction"), [(0.0, 0.0), (90.0, 0.25), (-90.0, 0.75), (359.0, 359 / 360), (450.0, 0.25)])
def test_azimuth_grows_downward_from_north(azimuth_deg, fraction):
    assert center_rows(AZIMUTH_SECTION, placement([30.0], [azimuth_deg])) == pytest.approx([fraction * ROWS], abs=0.01)


def test_a_trace_is_drawn_at_its_row():
    picture = render_section(DISTANCE_SECTION, pulses([2500.0]), 0.0, placement([45.0]))[1]
    lit = np.flatnonzero(picture.any(axis=1))
    assert lit.min() >= ROWS / 2 - 5
    assert lit.max() <= ROWS / 2 + 4
    assert np.flatnonzero((picture > 0).sum(axis=0) > 4).mean() + 0.5 == pytest.approx(2500 / 5120 * COLUMNS, abs=1)


def test_a_trace_without_a_distance_is_left_out():
    both = render_section(DISTANCE_SECTION, pulses([2000.0, 3000.0]), 0.0, placement([45.0, np.nan]))
    one = render_section(DISTANCE_SECTION, pulses([2000.0]), 0.0, placement([45.0]))
    assert np.array_equal(both, one)
    assert not render_section(DISTANCE_SECTION, pulses([2000.0]), 0.0, placement([np.nan])).any()


def test_the_reduction_aligns_waves_of_its_velocity():
    distances_deg = np.array([30.0, 60.0, 90.0])
    arrivals_s = 500.0 + distances_deg * 111.195 / AZIMUTH_SECTION.reduction_velocity_km_s
    picture = render_section(AZIMUTH_SECTION, pulses(arrivals_s), 0.0, placement(distances_deg, [45.0, 135.0, 225.0]))[1]
    for row in (ROWS // 8, 3 * ROWS // 8, 5 * ROWS // 8):
        light = (picture[row - 4 : row + 5] > 0).sum(axis=0) - 2
        middle = np.average(np.arange(COLUMNS) + 0.5, weights=np.maximum(light, 0))
        assert middle == pytest.approx(500 / AZIMUTH_SECTION.window_s * COLUMNS, abs=0.5)


def test_the_azimuth_section_needs_a_distance_for_its_reduction():
    assert not render_section(AZIMUTH_SECTION, pulses([2000.0]), 0.0, placement([np.nan], [10.0])).any()


def test_a_placement_of_another_length_is_refused():
    with pytest.raises(ValueError, match="per trace"):
        render_section(DISTANCE_SECTION, pulses([2000.0]), 0.0, placement([10.0, 20.0]))


def test_a_section_without_traces_is_black():
    empty = Gather((), 0.0, 1.0, np.zeros((0, 100), np.float32), np.zeros(0), np.zeros(0))
    assert not render_section(DISTANCE_SECTION, empty, 0.0, placement([])).any()


def test_many_lines_over_one_another_still_differ():
    """Twenty stations at one site are brighter than ten, and both are brighter than one."""
    brightest = [
        render_section(DISTANCE_SECTION, pulses([2500.0] * count), 0.0, placement([45.0] * count))[1].max() for count in (1, 10, 20)
    ]
    assert brightest == [84, 250, 255]


def test_noise_is_drawn_low_and_an_event_above_it_at_full_height():
    """Noise is drawn at most `quiet_rows` high, whatever the largest amplitude."""
    noise = np.random.default_rng(0).normal(0, 0.02, TIMES_S.shape)
    tallest = []
    for height in (0.0, 1.0):
        gather = pulses([2500.0])
        gather.samples[0] = (height * gather.samples[0] + noise).astype(np.float32)
        picture = render_section(DISTANCE_SECTION, gather, 0.0, placement([45.0]))[1]
        tallest.append((picture > 0).sum(axis=0).max())
    assert tallest[0] <= 6
    assert tallest[1] >= 8


def test_the_close_up_shows_the_first_arrival_at_its_lead_at_every_distance():
    distances_deg = np.array([30.0, 60.0, 90.0, 150.0])
    arrivals_s = 1000.0 + first_arrival_s(distances_deg, 0.0)
    impulses = np.exp(-0.5 * ((TIMES_S - arrivals_s[:, None]) / 6.0) ** 2) * np.cos(2 * np.pi * (TIMES_S - arrivals_s[:, None]) / 20.0)
    none = np.full(4, np.nan)
    gather = Gather(tuple(TraceId("XX", str(k), "", "LHZ") for k in range(4)), 0.0, 1.0, impulses.astype(np.float32), none, none)
    picture = render_section(DISTANCE_SECTION, gather, 0.0, placement(distances_deg), 1000.0)
    column = DISTANCE_SECTION.close_up.lead_s / DISTANCE_SECTION.close_up.window_s * DISTANCE_SECTION.columns
    for row in center_rows(DISTANCE_SECTION, placement(distances_deg)).round().astype(int):
        tall = (picture[4, row - 4 : row + 4] > 0).sum(axis=0)
        assert np.flatnonzero(tall == tall.max()).mean() + 0.5 == pytest.approx(column, abs=1.5)


def test_without_an_origin_time_the_close_up_is_empty():
    picture = render_section(DISTANCE_SECTION, pulses([2500.0]), 0.0, placement([45.0]))
    assert picture[:3].any()
    assert not picture[3:].any()
