import io
import threading
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from models.imaging.render import render_traces
from models.seismic.geodesy import azimuth_deg, destination, distance_deg
from models.seismic.location.distances import epicenter_density
from models.seismic.location.solution import StationDistances
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.pictures import TRACE_FREQUENCY
from workers.jobs.figures import draw_noise_section
from workers.plots.canvas import (
    downsample_extremes,
    format_utc,
    new_figure,
    place_axes,
    scale_depth_axis,
    select_label_indices,
    separate_labels,
)
from workers.plots.coastline import coastline
from workers.plots.distances import TracePictures, distances_figure
from workers.plots.families import Family, contact_sheet, families_figure
from workers.plots.maps import HEIGHT_IN, MapEpicenter, MapStations, map_figure
from workers.plots.sections import TravelTimeCurve, section_figure, visible_window_s

START_S = 1_000_000_000.0
EPICENTER = MapEpicenter(66.4, -38.1, 60.0, 25.0, 40.0)


def gather(count, length=2000):
    rng = np.random.default_rng(count)
    samples = np.cumsum(rng.standard_normal((count, length)), axis=1).astype(np.float32)
    samples[::3, 700:900] = np.nan
    ids = tuple(TraceId("XX", f"S{k:03d}", "00", "LHZ") for k in range(count))
    return Gather(ids, START_S, 1.0, samples, rng.uniform(-80, 80, count), rng.uniform(-180, 180, count))


def map_stations(latitudes, longitudes, distances):
    """Build stations to draw on a map, without back azimuths."""
    names = [f"S{k:03d}" for k in range(len(latitudes))]
    return MapStations(names, latitudes, longitudes, distances, np.full(len(latitudes), np.nan))


def pixels(data):
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def inked_fraction(data):
    """Fraction of pixels that are not white."""
    return float(np.mean(pixels(data).min(axis=2) < 250))


@pytest.mark.parametrize("count", [0, 1, 2, 60, 250])
def test_a_section_is_drawn_of_any_number_of_traces(count):
    distances = np.linspace(10.0, 90.0, count)
    distances[1::5] = np.nan
    data = section_figure(gather(count), distances, title="Section", origin_time_s=START_S + 100.0)
    assert 0.003 < inked_fraction(data) < 0.6


def test_traces_without_a_distance_are_drawn_in_a_strip():
    few = gather(6)
    all_placed = pixels(section_figure(few, np.linspace(10, 20, 6), title="Section"))
    with_strip = pixels(section_figure(few, np.array([10, 12, np.nan, np.nan, 16, 20.0]), title="Section"))
    assert with_strip.shape[0] > all_placed.shape[0] + 50


@pytest.mark.parametrize("known", [0, 1, 6])
def test_records_without_an_event_are_drawn_with_and_without_coordinates(known):
    noise = gather(6)
    noise.latitudes_deg[known:] = np.nan
    assert 0.003 < inked_fraction(draw_noise_section(noise, "No event detected")) < 0.6


def test_traces_of_equal_distance_are_drawn():
    assert inked_fraction(section_figure(gather(5), np.full(5, 33.0), title="Section")) > 0.003


def test_a_travel_time_curve_is_drawn_in_color():
    arrivals = [TravelTimeCurve("P", "P", np.array([0.0, 180.0]), START_S + np.array([0.0, 1800.0]))]
    plain, drawn = (pixels(section_figure(gather(4), np.linspace(10, 80, 4), title="S", arrivals=a)).astype(int) for a in ([], arrivals))
    assert np.sum(drawn[..., 0] - drawn[..., 2] > 80) > 200
    assert not np.any(plain[..., 0] - plain[..., 2] > 80)


def test_a_section_shows_the_recorded_section_of_the_window():
    whole = gather(1)
    assert visible_window_s(whole, (START_S - 500.0, START_S + 9000.0)) == (START_S, START_S + 2000.0)
    assert visible_window_s(whole, (START_S + 500.0, START_S + 900.0)) == (START_S + 500.0, START_S + 900.0)
    assert visible_window_s(whole, (0.0, 10.0)) == (0.0, 10.0)


@pytest.mark.parametrize("count", [0, 1, 5, 15])
def test_distances_are_drawn_of_each_trace_that_was_read(count):
    events = gather(count)
    pictures = render_traces(TRACE_FREQUENCY, events, START_S)
    distances = np.where(np.arange(count) % 4 == 3, np.nan, np.linspace(5, 150, count))
    data = distances_figure(
        events,
        TracePictures(pictures, (150.0, 10.0), (START_S, START_S + 5120.0)),
        distances,
        np.full(count, 1.5),
        title="Distances",
        origin_time_s=START_S,
    )
    rows = -(-int(np.isfinite(distances).sum()) // 3)
    assert pixels(data).shape[0] == pytest.approx((max(rows, 1) * 1.75 + 1.0) * 130, abs=2)
    assert pixels(data).shape[1] == pytest.approx(((3.9 if count < 2 else 3 * 3.9) + 0.3) * 130, abs=2)


def test_text_over_the_distance_of_one_trace_says_whose_deviations_are_drawn_and_is_not_cut_off(monkeypatch):
    sheets = []
    monkeypatch.setattr("workers.plots.distances.new_figure", lambda *given: sheets.append(new_figure(*given)) or sheets[-1])
    events = gather(1)
    pictures = TracePictures(render_traces(TRACE_FREQUENCY, events, START_S), (150.0, 10.0), (START_S, START_S + 5120.0))
    distances_figure(events, pictures, np.array([40.0]), np.array([1.5]), title="Predicted distances")
    assert sheets[0].texts[1].get_text().endswith("± its deviation")
    assert max(text.get_window_extent().x1 for text in sheets[0].texts) < sheets[0].bbox.width


@pytest.mark.parametrize(("count", "latitude_deg"), [(0, 0.0), (1, 66.4), (30, -90.0), (200, 20.0)])
def test_a_map_is_drawn_anywhere_on_the_globe(count, latitude_deg):
    events = gather(count, 10)
    latitudes = np.where(np.arange(count) % 7 == 6, np.nan, events.latitudes_deg)
    spot = MapEpicenter(latitude_deg, 179.9, 60.0, 25.0, 40.0)
    stations = map_stations(latitudes, events.longitudes_deg, np.full(count, 40.0))
    data = map_figure(stations, spot, [EPICENTER], title="Map")
    assert 0.01 < inked_fraction(data) < 0.6


def test_nothing_is_drawn_outside_the_disk_of_the_map():
    """Neither an ellipse nor the posterior's lines: the left map is a disk of 2.85 inches about its center."""
    latitudes, longitudes = destination(66.4, -38.1, np.array([0.0, 120.0, 240.0]), 20.0)
    wide = MapEpicenter(66.4, -38.1, 6000.0, 3000.0, 45.0)
    density = epicenter_density(StationDistances(latitudes, longitudes, np.full(3, 40.0), np.full(3, 30.0)))
    stations = map_stations(latitudes, longitudes, np.full(3, 40.0))
    picture = pixels(map_figure(stations, wide, title="Map", density=density)).astype(int)
    left = picture[:, : int(6.1 * 130)]
    rows, columns = np.indices(left.shape[:2]) / 130
    radius_in = np.hypot(columns - (0.3 + 2.85), rows - (HEIGHT_IN - 3.2))
    colored = np.ptp(left, axis=2) > 40
    assert colored[radius_in < 2.8].any()
    assert not colored[radius_in > 2.9].any()


def test_an_ellipse_is_drawn_along_its_azimuth():
    """Red ink of an ellipse at 90 degrees is wider than high, at 0 degrees higher than wide."""
    extents = []
    for azimuth in (0.0, 90.0):
        picture = pixels(map_figure(map_stations(*[np.zeros(0)] * 3), MapEpicenter(10.0, 20.0, 100.0, 20.0, azimuth), title="Map")).astype(
            int
        )
        right = picture[:, picture.shape[1] // 2 :]
        rows, columns = np.nonzero(right[..., 0] - right[..., 2] > 80)
        extents.append((np.ptp(rows), np.ptp(columns)))
    (high, narrow), (low, wide) = extents
    assert high > 3 * narrow
    assert wide > 3 * low


@pytest.mark.parametrize("count", [0, 1, 25, 2000])
def test_families_are_drawn_of_any_number_of_events(count):
    rng = np.random.default_rng(1)
    data = families_figure(rng.normal(size=(count, 2)), rng.integers(-1, 14, count), [f"event {k}" for k in range(count)], title="Families")
    assert inked_fraction(data) > (0.001 if count else 0.0)


def test_the_legend_of_families_counts_no_family_without_its_outliers(monkeypatch):
    """The answer, the page and the contact sheet count them with it."""
    sheets = []
    monkeypatch.setattr("workers.plots.families.new_figure", lambda *given: sheets.append(new_figure(*given)) or sheets[-1])
    families_figure(np.zeros((4, 2)), np.array([0, 1, 1, -1]), list("abcd"), title="Families")
    legend = sheets[0].axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["outliers (1)", "family 0", "family 1"]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_contact_sheet_shows_each_family_in_a_row(channels):
    pictures = np.random.default_rng(2).integers(0, 255, (9, channels, 32, 32), dtype=np.uint8)
    families = [Family(cluster, 9, [f"event {k}" for k in range(9)], pictures) for cluster in (-1, 0, 11)]
    assert inked_fraction(contact_sheet(families, title="Sheet")) > 0.4
    assert pixels(contact_sheet([], title="Sheet")).size


def test_the_same_figure_is_the_same_bytes():
    draw = [section_figure(gather(5), np.linspace(10, 60, 5), title="Section") for _ in range(2)]
    assert draw[0] == draw[1]


def test_event_names_are_drawn_as_text_and_not_markup():
    data = families_figure(np.zeros((1, 2)), np.zeros(1, int), [r"$\frac{1}{0$"], title=r"$\undefined{")
    assert inked_fraction(data) > 0.001


def test_figures_of_several_threads_do_not_mix():
    expected = section_figure(gather(5), np.linspace(10, 60, 5), title="Section")
    drawn = []
    threads = [
        threading.Thread(target=lambda: drawn.append(section_figure(gather(5), np.linspace(10, 60, 5), title="Section"))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == [expected] * 3


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(mpl.rcParams)
    section_figure(gather(3), np.linspace(10, 60, 3), title="Section")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("positions", [[1.0, 1.0, 1.0], [0.0, 9.9, 9.95, 10.0], [5.0], [], [3.0, 1.0, 2.0, 2.0, 2.1]])
def test_labels_are_separated_in_order_and_within_the_limits(positions):
    positions = np.array(positions)
    separated = separate_labels(positions, 0.5, 0.0, 10.0)
    order = np.argsort(positions, kind="stable")
    assert (np.diff(separated[order]) >= 0.5 - 1e-9).all()
    assert ((separated >= 0.0) & (separated <= 10.0)).all()


def test_labels_that_are_apart_are_not_moved():
    assert separate_labels(np.array([1.0, 5.0, 9.0]), 0.5, 0.0, 10.0) == pytest.approx([1.0, 5.0, 9.0])


def test_labels_that_do_not_fit_are_spaced_evenly():
    assert np.sort(separate_labels(np.ones(50), 0.5, 0.0, 10.0)) == pytest.approx(np.arange(50) * 0.2 + 0.1)


def test_labels_that_would_overlap_are_left_out():
    x, y = np.array([0.0, 0.05, 0.5, 0.0]), np.array([0.0, 0.0, 0.0, 0.5])
    assert select_label_indices(x, y, 0.1, 0.05).tolist() == [1, 2, 3]


def test_a_downsampled_line_keeps_its_extremes():
    samples = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
    times, reduced = downsample_extremes(np.arange(100_000.0), samples, 2000)
    assert len(times) == len(reduced) <= 2000
    assert reduced.min() == samples.min()
    assert reduced.max() == samples.max()
    assert (np.diff(times) > 0).all()


def test_dates_are_utc_to_the_second():
    assert format_utc(1_000_000_000.6) == "2001-09-09 01:46:41 UTC"


def test_coastline_posterior_and_back_azimuths_are_drawn_on_the_map():
    rng = np.random.default_rng(3)
    lats, lons = destination(66.4, -38.1, rng.uniform(0, 360, 20), rng.uniform(10, 60, 20))
    distances = distance_deg(66.4, -38.1, lats, lons)
    data = (lats, lons, distances, np.full(20, 1.0))
    stations = map_stations(lats, lons, distances)
    plain = pixels(map_figure(stations, EPICENTER, title="M")).astype(int)
    drawn = pixels(map_figure(stations, EPICENTER, title="M", density=epicenter_density(StationDistances(*data)))).astype(int)
    assert np.sum(plain[..., 0] - plain[..., 2] > 25) > 2000
    assert np.sum(np.abs(plain - drawn).max(axis=2) > 30) > 300
    back_azimuths = np.where(np.arange(20) < 5, azimuth_deg(lats, lons, 66.4, -38.1), np.nan)
    with_lines = pixels(map_figure(replace(stations, back_azimuths_deg=back_azimuths), EPICENTER, title="M")).astype(int)
    assert np.sum(np.minimum(with_lines[..., 1] - with_lines[..., 0], with_lines[..., 1] - with_lines[..., 2]) > 25) > 300
    assert not np.any(np.minimum(plain[..., 1] - plain[..., 0], plain[..., 1] - plain[..., 2]) > 25)


def test_the_coastline_passes_iceland_and_not_the_open_sea():
    latitudes, longitudes = coastline()
    assert np.nanmin(distance_deg(65.0, -24.2, latitudes, longitudes)) < 0.7
    assert np.nanmin(distance_deg(60.0, -30.0, latitudes, longitudes)) > 5.0
    assert np.isnan(latitudes[-1])


def test_an_axis_of_depths_gives_shallow_ones_more_room():
    axes = place_axes(new_figure(8.0, 4.0, "Depth"), 0.5, 0.5, 0.5, 0.5)
    scale_depth_axis(axes)
    at = {km: float(axes.transAxes.inverted().transform(axes.transData.transform((km, 0.0)))[0]) for km in (0.0, 175.0, 700.0)}
    assert at == pytest.approx({0.0: 0.0, 175.0: 0.5, 700.0: 1.0}, abs=1e-9)
