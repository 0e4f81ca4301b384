"""Which observations an epicenter is located by."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.combine import set_origin_time
from models.analysis.distances import DistanceReadings, station_distances
from models.analysis.refinement import refine_location, shows_late_begin
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.geodesy import distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.surface_waves.detector import detect_surface_waves
from models.seismic.waveforms import Gather
from tests.support import surface_waves


def read_wrongly(gather: Gather) -> DistanceReadings:
    """Random distances, and origin times that are wrong."""
    rng, count = np.random.default_rng(3), len(gather.samples)
    return DistanceReadings(
        trace_ids=gather.trace_ids,
        distances_deg=rng.uniform(10.0, 110.0, count),
        uncertainties_deg=np.full(count, 12.0),
        probabilities=np.full((count, 180), 1.0 / 180.0),
        origin_times_s=rng.normal(-300.0, 60.0, count),
        origin_uncertainties_s=np.full(count, 200.0),
        window_start_s=0.0,
        live=np.ones(count, np.bool_),
    )


@pytest.mark.parametrize(("ratio", "significant"), [(5.0, True), (0.0, False)])
def test_the_surface_wave_stack_outweighs_distances_that_are_outliers(ratio, significant):
    gather = surface_waves.draw_gather(1, ratio)
    count, certain = len(gather.samples), read_wrongly(gather)
    unsure = replace(certain, uncertainties_deg=np.full(count, 40.0))
    readings = certain if significant else unsure
    before = locate_by_distances(station_distances(gather, readings))
    found = refine_location((), gather, readings, before)
    assert found.method == "distances+surface-wave-stack"
    assert (found.origin is not None) == significant
    if not significant:
        return
    assert refine_location((), gather, readings, before, use_surface_waves=False).mislabeled
    vague = refine_location((), gather, unsure, before, use_surface_waves=False)
    assert (vague.method, vague.mislabeled, vague.location.common_bias_deg) == ("distances", False, before.common_bias_deg)
    assert vague.location.horizontal_uncertainty_km > 2_000.0
    assert distance_deg(*surface_waves.SOURCE, found.location.latitude_deg, found.location.longitude_deg) < 2.0
    assert found.location.horizontal_uncertainty_km < 300.0
    shown = set_origin_time(readings, found.origin)
    assert shown.origin_times_s == pytest.approx(np.full(count, surface_waves.ORIGIN_S), abs=30.0)


@pytest.mark.parametrize(("ratio", "mislabeled"), [(0.0, True), (5.0, False)])
def test_records_with_the_codes_of_other_stations_may_be_of_an_event_anywhere(ratio, mislabeled):
    gather = surface_waves.draw_gather(1, ratio)
    true_deg = distance_deg(*surface_waves.SOURCE, gather.latitudes_deg, gather.longitudes_deg)
    order, certain = np.random.default_rng(1).permutation(len(true_deg)), np.full(len(true_deg), 2.0)
    right = replace(read_wrongly(gather), distances_deg=true_deg, uncertainties_deg=certain)
    wrong = replace(right, distances_deg=true_deg[order])
    assert not refine_location((), gather, right, locate_by_distances(station_distances(gather, right))).mislabeled
    found = refine_location((), gather, wrong, locate_by_distances(station_distances(gather, wrong)))
    assert found.mislabeled == mislabeled
    assert (found.location.horizontal_uncertainty_km > 10_000.0) == mislabeled


def cut_beginnings(gather: Gather, share: float) -> Gather:
    """Cut a share of the records to begin three minutes after P."""
    distances = distance_deg(*surface_waves.SOURCE, gather.latitudes_deg, gather.longitudes_deg)
    samples = gather.samples.copy()
    for row in range(round(share * len(samples))):
        first = surface_waves.ORIGIN_S + float(first_arrival_s(distances[row], 33.0)) + 180.0
        samples[row, : round((first - gather.start_time_s) * gather.sampling_rate_hz)] = np.nan
    return replace(gather, samples=samples)


@pytest.mark.parametrize(("share", "late"), [(1.0, True), (0.9, True), (0.5, False), (0.0, False)])
def test_records_that_begin_after_the_first_arrivals_are_located_by_their_surface_waves_alone(share, late):
    gather = cut_beginnings(surface_waves.draw_gather(1, 5.0), share)
    certain = replace(read_wrongly(gather), uncertainties_deg=np.full(len(gather.samples), 2.0))
    before = locate_by_distances(station_distances(gather, certain))
    found = refine_location((), gather, certain, before)
    assert found.begins_late == late
    if late:
        assert distance_deg(*surface_waves.SOURCE, found.location.latitude_deg, found.location.longitude_deg) < 2.0
        assert found.origin.time_s == pytest.approx(surface_waves.ORIGIN_S, abs=60.0)
        assert found.origin.uncertainty_s > 90.0


def test_noise_that_begins_late_shows_nothing_of_it():
    gather = cut_beginnings(surface_waves.draw_gather(1, 0.0), 1.0)
    stack = detect_surface_waves(gather)
    assert stack is not None
    assert not shows_late_begin(gather, stack)
