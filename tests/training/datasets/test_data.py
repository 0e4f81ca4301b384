"""Synthetic data: exact labels, reproducibility, and records that do not reveal their truth."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from models.imaging.conditioning import condition
from models.seismic.earth.travel_times import first_arrival_s, travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.specs.offset import OFFSET
from training.config import load_recipe
from training.datasets.sections import SectionRecipe, draw_sections
from training.datasets.traces import TraceRecipe, draw_left_edges, draw_traces
from training.earth.dispersion import predict_dispersion
from training.earth.structure import DECKS, build_deck_rows
from training.experiments.demo_bundles import encode_miniseed, encode_stations
from training.synthesis.catalogs import draw_double_couples, load_earthquakes, load_glacial_earthquakes, load_stations
from training.synthesis.events import draw_depth_km, draw_distance_range, draw_event, draw_near_magnitude, open_sampler
from training.synthesis.instrument_defects import apply_defects
from training.synthesis.path_effects import (
    CRUST_DELAYS,
    CRUST_PERIODS_S,
    RAYLEIGH_KM_S,
    SPLIT_KM_S,
    PathScatter,
    delay_samples,
    draw_body_delays,
    draw_crust_delays,
    draw_relative_delays,
    perturb_paths,
    share_paths,
)
from training.synthesis.sources import KINDS, make_anomalous
from training.synthesis.station_geometry import Stations, find_operating_stations
from training.synthesis.windows import NEAR_DEG, Window, draw_free_windows, draw_window
from training.tasks.distance import OffsetRecipe, describe_distance_limits

SHIFTS_ONLY = PathScatter(dispersion=0, stretch=0, coda=0, attenuation=0)
TRACES = TraceRecipe(
    store="greens_50s",
    events_per_shard=6,
    traces_per_event=5,
    near_share=0.0,
    small_share=0.5,
    largest_magnitude=8.6,
    left_edges={"start": 0.5, "before": 0.3, "arrival": 0.2, "anywhere": 0.0},
    crusts=True,
    lateral_share=0.0,
    kinds={"earthquake": 0.5, "glacial": 0.5},
    seed=1,
)
SECTIONS = SectionRecipe(
    store="greens_50s",
    events_per_shard=4,
    stations=(5, 12),
    near_share=0.0,
    small_share=0.6,
    timed_share=0.5,
    shortest_window_s=0.0,
    longest_window_s=18000.0,
    kinds={"earthquake": 0.5, "glacial": 0.5},
    seed=1,
)


@pytest.fixture
def sampler(store, settings):
    return open_sampler(store, settings, seed=1)


def test_stations_are_exactly_at_their_labeled_distances(sampler):
    for kind in ("earthquake", "glacial"):
        event = draw_event(sampler, kind, 8, np.random.default_rng(3), (10.0, 110.0))
        stations, source = event.stations, event.source
        epicenter = (source.latitude_deg, source.longitude_deg)
        np.testing.assert_allclose(
            distance_deg(*epicenter, stations.latitudes_deg, stations.longitudes_deg), stations.distances_deg, atol=1e-6
        )
        difference = (azimuth_deg(*epicenter, stations.latitudes_deg, stations.longitudes_deg) - stations.azimuths_deg + 180) % 360 - 180
        assert np.abs(difference).max() < 1e-3
        assert [record.latitude_deg for record in event.records] == pytest.approx(stations.latitudes_deg)


def test_earthquakes_of_unresolved_catalog_depth_begin_at_the_surface():
    random = np.random.default_rng(3)
    drawn = [draw_depth_km(12.0, random) for _ in range(400)]
    assert np.percentile(drawn, (10, 50, 90)) == pytest.approx((2.5, 13.5, 33.0), abs=4.0)
    assert draw_depth_km(33.0, random) != 33.0, "where nothing tells the depth, catalogs state 33 km"
    assert [draw_depth_km(depth, random) for depth in (24.0, 600.0)] == [24.0, 600.0]


def test_shards_follow_from_their_seed(settings):
    one, two = (draw_traces(TRACES, OFFSET, settings, seed=7) for _ in range(2))
    assert {name: array.dtype for name, array in one.items()} == {"pictures": np.uint8, "truth": np.float32, "event": np.int32}
    assert all(np.array_equal(one[name], two[name]) for name in one)
    other = draw_traces(TRACES, OFFSET, settings, seed=8)
    assert not np.array_equal(one["truth"], other["truth"])


def test_every_trace_has_a_picture_and_a_distance_of_the_store(settings, store):
    shard = draw_traces(TRACES, OFFSET, settings, seed=7)
    stored = np.concatenate([store.forces.distances_deg, *(table.distances_deg for table in store.strains)])
    assert len(shard["pictures"]) == len(shard["truth"]) == len(shard["event"])
    assert all(np.abs(stored - distance).min() < 1e-3 for distance in shard["truth"][:, 0])
    assert shard["pictures"].reshape(len(shard["pictures"]), -1).any(axis=1).all()


def test_pictures_begin_at_before_and_after_the_start_of_their_own_record_as_often_as_stated(sampler):
    event = draw_event(sampler, "earthquake", 3, np.random.default_rng(3), (60.0, 110.0))
    gather = condition(event.records, OFFSET.style.conditioning)
    gather.samples[1, :400] = np.nan
    starts = gather.start_time_s + np.array([0.0, 400.0, 0.0])
    arrivals, random = starts + 500.0, np.random.default_rng(1)
    shares = {"start": 0.4, "before": 0.3, "arrival": 0.3, "anywhere": 0.0}
    edges = np.array([draw_left_edges(gather, arrivals, shares, random) for _ in range(200)]) - starts
    assert np.mean(edges == 0, axis=0) == pytest.approx(0.4, abs=0.1)
    assert np.mean(edges < 0, axis=0) == pytest.approx(0.3, abs=0.1)
    assert edges.min() >= -700.0
    assert edges.max() <= 500.0
    anywhere = {"start": 0.0, "before": 0.0, "arrival": 0.0, "anywhere": 1.0}
    assert max(draw_left_edges(gather, arrivals, anywhere, random)[1] - starts[1] for _ in range(100)) > 500.0


def test_a_record_that_begins_after_the_first_arrival_has_its_picture_begin_with_it(sampler):
    event = draw_event(sampler, "earthquake", 3, np.random.default_rng(3), (60.0, 110.0))
    gather = condition(event.records, OFFSET.style.conditioning)
    shares = {"start": 0.0, "before": 0.0, "arrival": 1.0, "anywhere": 0.0}
    edges = draw_left_edges(gather, np.full(3, gather.start_time_s - 100.0), shares, np.random.default_rng(1))
    assert edges.tolist() == [gather.start_time_s] * 3


def test_the_card_states_traces_epochs_and_initial_weights():
    fresh, continued = (load_recipe("offset", OffsetRecipe, preset=preset) for preset in ("", "continued"))
    source = TRACES.model_copy(update={"store": ("one", "another")})
    assert describe_distance_limits(fresh, source, 12345)[0].startswith(
        "Trained on 12,345 synthetic traces at 10 s and longer through 2 spherical Earths"
    )
    once = fresh.model_copy(update={"fit": fresh.fit.model_copy(update={"epochs": 1})})
    assert describe_distance_limits(once, source, 1)[0].endswith(", once each.")
    plain = TRACES.model_copy(update={"crusts": False})
    assert describe_distance_limits(fresh, plain, 1)[0].endswith("through one spherical Earth, up to 4 times each.")
    assert "through one spherical Earth with the dispersion of random crusts" in describe_distance_limits(fresh, TRACES, 1)[0]
    lateral = plain.model_copy(update={"lateral_share": 0.5})
    assert "of 50 % of the events with the lateral structure of LITHO1.0" in describe_distance_limits(fresh, lateral, 1)[0]
    assert describe_distance_limits(continued, TRACES, 1)[0].endswith("up to 2 times each, starting from the weights of offset-3.")
    averaged = continued.model_copy(update={"start_share": 0.5})
    assert describe_distance_limits(averaged, TRACES, 1)[0].endswith("whose share in the mean of both that is served is 0.5.")


def test_sections_are_drawn_through_the_serving_chain(settings):
    shard = draw_sections(SECTIONS, settings, seed=2)
    kinds = {KINDS[int(kind)] for kind in shard["truth"][:, 0]}
    assert kinds <= {"earthquake", "glacial"}
    assert shard["distance"].dtype == np.uint8
    assert shard["distance"].any()
    glacial = shard["truth"][:, 0] == KINDS.index("glacial")
    assert np.isfinite(shard["truth"][glacial, 2]).all()
    assert np.isnan(shard["truth"][~glacial, 2]).all()


def test_timed_sections_are_drawn_near_the_true_epicenter(settings):
    truth = draw_sections(SECTIONS.model_copy(update={"timed_share": 1.0}), settings, seed=2)["truth"]
    assert len(truth) > 0
    assert np.all(distance_deg(truth[:, 3], truth[:, 4], truth[:, 5], truth[:, 6]) < 5.0)


def test_records_are_scaled_and_named_alike_whatever_the_source(sampler):
    for kind in ("earthquake", "glacial", "explosion"):
        event = draw_event(sampler, kind, 6, np.random.default_rng(5), (10.0, 110.0))
        peaks = [np.nanmax(np.abs(record.samples)) for record in event.records]
        assert peaks == pytest.approx([1.0] * len(peaks), abs=1e-5)
        assert {record.trace_id.channel for record in event.records} == {"LHZ"}


def test_nothing_stands_out_of_records_of_noise(sampler):
    def crest(kind):
        """Peak over the root mean square of a record, the median of three events."""
        events = [draw_event(sampler, kind, 6, np.random.default_rng(seed), (10.0, 110.0), small_share=0.0) for seed in range(3)]
        samples = [record.samples for event in events for record in event.records]
        return np.median([np.nanmax(np.abs(one)) / np.nanstd(one) for one in samples])

    assert crest("noise") < 0.9 * crest("earthquake")


def test_a_bundle_is_readable_miniseed_with_coordinates(sampler):
    from workers.bundles.sandbox import parse_event_in_sandbox  # noqa: PLC0415  (tests may look across the rooms)
    from workers.settings import Settings  # noqa: PLC0415

    event = draw_event(sampler, "earthquake", 5, np.random.default_rng(5), (10.0, 110.0))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("waveforms.mseed", encode_miniseed(event.records))
        packed.writestr("stations.csv", encode_stations(event.records))
    read = parse_event_in_sandbox([("event.zip", archive.getvalue())], Settings())
    assert sorted(str(record.trace_id) for record in read.records) == sorted(str(record.trace_id) for record in event.records)
    assert all(record.latitude_deg is not None for record in read.records)


def test_stated_catalogs_stand_in_for_missing_ones():
    quakes, ice, seen = load_earthquakes(None, 1), load_glacial_earthquakes(None, 1), load_stations(None)
    assert len(quakes.years) == 5000
    assert len(ice.years) == 443
    assert np.abs(quakes.latitudes_deg).max() <= 90
    assert len(find_operating_stations(seen, 1.1e9)) == len(seen.stations) > 100


def test_double_couples_have_no_volume_and_the_moment_asked_for():
    tensors = draw_double_couples(np.random.default_rng(0), np.full(50, 1e18))
    full = np.zeros((50, 3, 3))
    for column, (i, j) in enumerate(((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))):
        full[:, i, j] = full[:, j, i] = tensors[:, column]
    eigenvalues = np.linalg.eigvalsh(full)
    np.testing.assert_allclose(eigenvalues, np.tile([-1e18, 0, 1e18], (50, 1)), atol=1e6)


@pytest.mark.parametrize("kind", KINDS[2:])
def test_every_anomalous_kind_has_a_source(kind):
    source = make_anomalous(kind, (10.0, 20.0), 2.0, np.random.default_rng(1))
    assert source.kind == kind
    assert np.isfinite(source.rates).all()
    assert np.abs(source.rates).max() > 0


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="meteorite"):
        make_anomalous("meteorite", (0.0, 0.0), 2.0, np.random.default_rng(1))


def test_windows_include_the_first_arrival():
    random = np.random.default_rng(0)
    for _ in range(300):
        window = draw_window(60.0, 90.0, random)
        assert isinstance(window, Window)
        assert window.start_s + window.duration_s > 8 * 60


def draw_far_windows(distances_deg, count=600):
    """Draw the windows of an event at these distances `count` times: starts and ends after the origin, each [count, stations]."""
    zeros = np.zeros(len(distances_deg))
    stations = Stations((), zeros, zeros, np.asarray(distances_deg), zeros, zeros.astype(int))
    random = np.random.default_rng(4)
    drawn = [draw_free_windows(stations, 10.0, random) for _ in range(count)]
    starts = np.array([[window.start_s for window in windows] for windows in drawn])
    return starts, starts + np.array([[window.duration_s for window in windows] for windows in drawn])


def test_the_start_of_a_distant_record_says_little_about_the_origin_time():
    starts, _ = draw_far_windows((60.0, 90.0))
    counts, _ = np.histogram(starts[:, 0], bins=np.arange(-1200.0, 601.0, 60.0))
    assert counts.max() / counts.sum() < 0.15
    assert np.mean((starts[:, 0] > -60.0) & (starts[:, 0] < 60.0)) < 0.28


def test_one_in_five_distant_events_is_cut_about_the_first_arrival_at_each_station_a_third_of_them_shortly_after_it():
    starts, ends = draw_far_windows((40.0, 90.0))
    arrivals = first_arrival_s(np.array([40.0, 90.0]), 10.0)
    own = starts[:, 0] != starts[:, 1]
    assert own.mean() == pytest.approx(0.2, abs=0.05)
    assert np.mean((ends - arrivals)[own] < 300.0) == pytest.approx(np.log(3.0) / np.log(25.0), abs=0.1)
    np.testing.assert_allclose(starts[own] - arrivals, (starts[own] - arrivals)[:, [1, 1]], atol=1e-6)
    assert (ends >= arrivals.max() + 119.9).all(axis=1)[~own].all()


def test_local_records_begin_up_to_a_quarter_of_an_hour_earlier_half_of_the_time():
    starts, _ = draw_far_windows((1.0, 5.0))
    assert 0.25 < np.mean(starts[:, 0] < -200.0) < 0.6


def test_without_scatter_a_path_leaves_the_surface_wave_unchanged():
    random = np.random.default_rng(0)
    time = np.arange(2000) * 2.0
    pulse = np.exp(-(((time - 2000) / 40) ** 2)) * np.sin(2 * np.pi * time / 60)
    quiet = replace(SHIFTS_ONLY, body_shift_s=0)
    np.testing.assert_allclose(perturb_paths(pulse[None], np.array([60.0]), 2.0, quiet, random)[0], pulse, atol=1e-6)


def test_body_waves_are_stretched_after_p_and_the_more_the_later():
    times, distances = np.arange(0.0, 3000.0, 50.0), np.full(4000, 60.0)
    delays = draw_body_delays(times, distances, PathScatter(event_share=0.0), np.random.default_rng(0)).std(axis=0)
    p_s, s_s, split_s = first_arrival_s(60.0, 33.0), travel_time_s("S", 60.0, 33.0), 60.0 * KM_PER_DEGREE / SPLIT_KM_S
    assert (delays[times < p_s] == 0).all()
    assert np.interp(s_s, times, delays) == pytest.approx(0.01 * (s_s - p_s), rel=0.1)
    assert np.interp(split_s, times, delays) == pytest.approx(np.hypot(0.01, 0.02) * (split_s - p_s), rel=0.1)


def test_delayed_samples_arrive_late_by_their_own_delay():
    clock = np.arange(500) * 2.0
    pulses = np.exp(-(((clock - 300) / 20) ** 2)) + np.exp(-(((clock - 700) / 20) ** 2))
    late = delay_samples(pulses[None], np.where(clock < 500, 0.0, 12.0)[None], 2.0)[0]
    assert [clock[:250][late[:250].argmax()], clock[250:][late[250:].argmax()]] == [300.0, 712.0]


def test_group_delays_vary_more_at_short_periods():
    delays = draw_relative_delays(np.array([1 / 100, 1 / 15]), 4000, PathScatter(event_share=0.0), np.random.default_rng(0))
    assert delays.std(axis=0)[1] > 4 * delays.std(axis=0)[0]


def test_the_delays_of_crusts_are_those_of_their_decks():
    for period_s, (continental, oceanic) in zip(CRUST_PERIODS_S, zip(*CRUST_DELAYS, strict=True), strict=True):
        if period_s in (20.0, 50.0):
            slowness = [RAYLEIGH_KM_S / predict_dispersion(build_deck_rows(deck), period_s) for deck in DECKS]
            assert [continental, oceanic] == pytest.approx([slowness[1] - slowness[0], slowness[2] - slowness[0]], abs=0.002)


def test_paths_through_several_crusts_are_delayed_between_the_two_extremes():
    random, frequencies = np.random.default_rng(0), np.array([1 / 20.0])
    delays = np.array([draw_crust_delays(frequencies, 5, random)[:, 0] for _ in range(300)])
    assert delays.min() >= -0.1161
    assert delays.max() <= 0.1971
    assert delays.min() < -0.1
    assert delays.max() > 0.18
    assert np.mean(np.ptp(delays, axis=1) == 0) == pytest.approx(0.4, abs=0.08)


def test_coda_is_about_as_energetic_as_the_pulse_and_varies_from_path_to_path():
    pulse = np.zeros((40, 2000))
    pulse[:, 100] = 1.0
    only_coda = PathScatter(dispersion=0, body_shift_s=0, attenuation=0)
    scattered = perturb_paths(pulse, np.full(40, 60.0), 2.0, only_coda, np.random.default_rng(0))
    energy = (scattered[:, 101:] ** 2).sum(axis=1) / (scattered[:, 95:106] ** 2).sum(axis=1)
    assert 0.4 < np.median(energy) < 4.0
    assert np.percentile(energy, 90) > 2 * np.median(energy)


def test_a_fraction_of_the_delay_is_common_to_an_event():
    random = np.random.default_rng(0)
    means = [draw_relative_delays(np.array([1 / 20]), 30, PathScatter(event_share=0.6), random).mean() for _ in range(300)]
    own = draw_relative_delays(np.array([1 / 20]), 3000, PathScatter(event_share=0.0), random).std()
    assert np.std(means) / own == pytest.approx(np.sqrt(0.6), abs=0.12)


def test_neighboring_stations_share_the_perturbations_of_their_paths():
    sharing = share_paths(np.array([0.0, 1.0, 40.0]), np.array([0.0, 0.0, 0.0]), 8.0)
    draws = np.concatenate([PathScatter(sharing=sharing).draw_own(1, 3, np.random.default_rng(k))[0] for k in range(3000)], axis=1)
    assert draws.std(axis=1) == pytest.approx(np.ones(3), rel=0.05)
    assert (draws[0] - draws[1]).std() == pytest.approx(np.sqrt(2.0 * (1.0 - np.exp(-0.5 / 64.0))), rel=0.1)
    assert abs(np.corrcoef(draws)[0, 2]) < 0.05
    pulses = np.zeros((3, 1000))
    pulses[:, 600] = 1.0
    scatter, distances = replace(SHIFTS_ONLY, sharing=sharing), np.full(3, 60.0)
    first, near, far = np.array(
        [perturb_paths(pulses, distances, 1.0, scatter, np.random.default_rng(k)).argmax(axis=1) for k in range(40)]
    ).T
    assert (first - near).std() < 0.3 * (first - far).std()


def test_defects_keep_the_number_of_samples():
    traces = np.random.default_rng(0).normal(size=(200, 500))
    defective = apply_defects(traces, 2.0, np.random.default_rng(1))
    assert defective.shape == traces.shape
    assert np.isnan(defective).any()


def test_local_networks_record_short_windows_small_earthquakes_and_no_small_glacial_ones():
    random = np.random.default_rng(5)
    small = {kind: np.array([draw_near_magnitude(kind, random) for _ in range(400)]) for kind in ("earthquake", "glacial")}
    assert small["earthquake"].min() < 4.0
    assert small["glacial"].min() >= 4.5
    windows = [draw_window(1.0, 5.0, random) for _ in range(400)]
    assert 0.7 < np.mean([window.duration_s <= 800 and -120 <= window.start_s <= 0 for window in windows]) < 0.95
    ranges = [draw_distance_range(0.5, random) for _ in range(400)]
    assert 0.4 < np.mean([most <= NEAR_DEG for _, most in ranges]) < 0.6
