"""The evaluator sends events through the serving chain once, keeps the results, and compares them with the truth."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.geometry_scales import REGIONS_KEY
from models.seismic.location.region_calibration import contains
from models.seismic.location.solution import StationDistances
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from training.datasets.archive import ArchiveWriter
from training.datasets.catalog_replica import ReplicaRecipe, draw_replica
from training.evaluation import evaluate as evaluator
from training.evaluation.evaluate import MIN_GROUP_VELOCITY_KM_S, Switches, compare_location, evaluate, measure_window_fraction, open_models
from training.evaluation.event_result import Truth
from training.evaluation.event_sources import ArchiveSource, ReplicaSource

pytestmark = pytest.mark.slow

REPLICA = ReplicaRecipe(
    store="greens_50s", events_per_shard=2, stations=(4, 8), distances_deg=(3.0, 118.0), magnitude_tolerance=0.1, seed=3407
)
# A glacial earthquake that the random split tests on, an earthquake that the regional one does, and one that no split does.
NUMBERS = [4, 5, 0]
QUAKE = Truth("a", "earthquake", 10.0, 20.0, 30.0, 5.5, np.nan)


@pytest.fixture(scope="module")
def archive(tmp_path_factory, build_dir, toy_artifacts):
    folder = tmp_path_factory.mktemp("archives") / "replica"
    settings = evaluator.TrainingSettings(data_dir=None, build_dir=build_dir, artifacts_dir=toy_artifacts, processes=1)
    with ArchiveWriter(folder, {"seed": 1}, 2) as writer:
        for event in draw_replica(REPLICA, settings, NUMBERS):
            writer.add(event)
    return folder


@pytest.mark.timeout(300)
def test_events_are_evaluated_once_and_read_from_the_cache_afterwards(archive, settings, tmp_path, monkeypatch):
    mine = settings.model_copy(update={"build_dir": tmp_path})
    first = list(evaluate(ArchiveSource(archive, "tested"), mine))
    monkeypatch.setattr(evaluator, "evaluate_event", None)
    again = list(evaluate(ArchiveSource(archive, "tested"), mine))
    assert [result.truth.name for result in first] == ["event_000004", "event_000005"]
    assert [repr(replace(one, traces=None)) for one in first] == [repr(replace(one, traces=None)) for one in again]
    np.testing.assert_array_equal(first[0].traces.predicted_deg, again[0].traces.predicted_deg)
    assert first[0].stations >= 2
    assert np.isfinite(first[0].epicenter.error_km)
    assert first[0].is_located == first[0].detected
    assert 0.0 < first[0].false_alarm_probability <= 1.0
    assert first[0].truth.kind == "glacial"
    assert np.isfinite(first[0].network_force_azimuth_deg)
    assert np.isfinite(first[1].network_depth_km)
    assert np.isfinite(first[1].traces.true_deg).all()


def test_other_switches_have_a_cache_of_their_own():
    labels = [switches.label() for switches in (Switches(), Switches(calibrated=False), Switches(surface_waves=False))]
    assert len(set(labels)) == 3
    assert all(one != other for one, other in pairwise(labels))


@pytest.mark.timeout(300)
def test_the_replica_is_drawn_where_its_events_are_needed(settings):
    source = ReplicaSource(REPLICA, "test", 1)
    (batch,) = source.batches(settings)
    ((key, event),) = source.load(batch, settings)
    assert key == batch[0]
    assert "random" in event.tested_by
    assert len(event.records) >= 3


def test_models_can_be_opened_without_the_calibration_of_regions(settings):
    assert REGIONS_KEY not in open_models(settings, calibrated=False)["offset"].card.calibration


def test_the_scale_of_a_region_is_the_factor_that_makes_it_contain_the_truth():
    rng = np.random.default_rng(4)
    lats, lons = destination(20.0, 30.0, rng.uniform(0, 360, 12), rng.uniform(10, 90, 12))
    found = locate_by_distances(StationDistances(lats, lons, distance_deg(20.0, 30.0, lats, lons), np.full(12, 2.0)))
    end = (found.latitude_deg, found.longitude_deg, found.ellipse_azimuth_deg, 1.2 * found.semi_major_km / KM_PER_DEGREE)
    far = tuple(map(float, destination(*end)))
    assert not contains(found, *far)
    assert contains(found, *far, outer=True)
    assert compare_location(found, replace(QUAKE, latitude_deg=far[0], longitude_deg=far[1])).scale_68 == pytest.approx(1.2, rel=1e-2)


def test_the_windows_fraction_counts_stations_whose_surface_waves_arrive_in_it():
    names = tuple(TraceId("XX", f"S{number}", "", "LHZ") for number in range(4))
    gather = Gather(names, 1e9, 1.0, np.zeros((4, 3600), np.float32), np.zeros(4), np.zeros(4))
    end_s = gather.start_time_s + gather.duration_s
    distances = np.array([1.0, 2.0, 30.0, np.nan])
    in_time_for_two = end_s - 2.0 * KM_PER_DEGREE / MIN_GROUP_VELOCITY_KM_S
    assert measure_window_fraction(gather, distances, in_time_for_two) == pytest.approx(2.0 / 3.0)
    assert np.isnan(measure_window_fraction(gather, distances, np.nan))
