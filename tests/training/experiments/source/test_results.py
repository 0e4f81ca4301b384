"""Transverse synthetics agree with the inversion's own projection; results are kept between runs."""

import json
from dataclasses import asdict, replace

import numpy as np

from models.analysis.pipeline import ForceAzimuthEstimate
from models.seismic.source.array_layout import LOVE
from models.seismic.source.radiation import project_windows
from training.experiments.source.methods import Statement, state_azimuth
from training.experiments.source.page import describe_forces, describe_mechanisms, describe_tensors, tabulate_methods
from training.experiments.source.results import SHORT_PERIODS, SourceResult, parse_pair
from training.experiments.source.three_components import contract_transverse
from training.synthesis.sources import Source

AZIMUTHS = np.array([10.0, 200.0])


def test_synthetic_love_waves_have_the_radiation_that_the_inversion_assumes():
    for rates in (np.array([0.7, -0.4, -0.3, 0.5, -0.8, 0.6]), np.array([0.0, 0.3, -0.9])):
        contracted = contract_transverse(Source("any", 0.0, 0.0, 10.0, rates[:, None]), AZIMUTHS)
        for row, azimuth in zip(contracted[..., 0], np.radians(AZIMUTHS), strict=True):
            projected = np.zeros((3, 4 if len(rates) == 6 else 2))
            project_windows(rates, float(azimuth), projected)
            assert np.allclose(row, projected[LOVE, : len(row)])


def make_result(error_deg, *, ambiguous):
    return SourceResult(
        30, 8.0, True, 60.0, 20.0, 0.5, 4.0, 8.0, error_deg, 5.0, ambiguous, 0.0, 0.0, 0.0, 1.0, float("nan"), float("nan"), 1.0
    )


def test_the_sign_counts_only_where_it_is_not_called_ambiguous():
    results = [make_result(4.0, ambiguous=False), make_result(-174.0, ambiguous=True)]
    text = describe_forces(results)

    assert "Sign right: 50%" in text
    assert "not called ambiguous 100%" in text
    assert "within 10 degrees 100%" in text
    assert "Origin time: median error 4.0 (4.0 to 4.0) s" in text
    assert "68 % within 0.50 deviations" in text


def test_results_are_the_same_after_they_were_kept():
    found = replace(make_result(4.0, ambiguous=True), kagan_deg=20.0, kagan_deviation_deg=9.0, both=Statement(4.0, 5.0))
    assert parse_pair(json.loads(json.dumps([asdict(found), None]))) == (found, None)


def test_azimuths_are_compared_modulo_180_and_not_at_all_where_they_are_not_stated():
    assert state_azimuth(ForceAzimuthEstimate(175.0, 12.0, True), 2.0) == Statement(7.0, 12.0)
    assert state_azimuth(ForceAzimuthEstimate(175.0, 45.0, True), 2.0) is None


def test_methods_are_compared_on_the_events_for_which_each_states_anything():
    """Two forces: of the second the inversion constrains nothing and the network is wrong."""
    first = replace(make_result(4.0, ambiguous=True), network=None, both=Statement(4.0, 5.0))
    second = replace(make_result(80.0, ambiguous=True), constrains=False, network=Statement(60.0, 30.0), both=Statement(60.0, 30.0))
    kept = [first, second]

    results = {("glacial", True): (kept, kept), ("glacial", False): (kept, kept), (SHORT_PERIODS, False): (kept, [])}
    table = tabulate_methods(results).splitlines()
    lines = [line for line in table if line.startswith("| glacial | unknown | verticals")]

    assert "| network | 1 of 2 | 0%" in lines[0]
    assert "| inversion | 1 of 2 | 100%" in lines[1]
    assert "| both | 2 of 2 | 50%" in lines[2]
    assert [line.split(" | ")[1:3] for line in table if line.startswith("| earthquake")] == 3 * [["unknown", "verticals"]]


def test_depths_as_served_are_described_where_networks_read_what_the_inversion_constrains():
    depth = replace(make_result(float("nan"), ambiguous=False), depth_km=12.0, depth_deviation_km=5.0)
    read = replace(depth, both=Statement(14.0, 20.0))
    lost = replace(read, constrains=False, both=Statement(90.0, 20.0))

    text = describe_tensors([read, lost])

    assert "Depth: median error 12.0" in text
    assert "as served: median error 14.0 (14.0 to 14.0) km; within 10 km 0%" in text
    assert "within the stated deviation 100%" in text.splitlines()[2]
    assert "as served" not in describe_tensors([depth])


def test_kagan_angles_of_stated_mechanisms_are_described_by_themselves():
    angles = ((10.0, 20.0), (40.0, 30.0), (50.0, 80.0))
    results = [replace(make_result(0.0, ambiguous=True), kagan_deg=angle, kagan_deviation_deg=stated) for angle, stated in angles]

    text = describe_mechanisms(results)

    assert "median 40 (" in text
    assert "of the 2 mechanisms that are stated 25" in text
    assert "within 30 degrees 50%" in text
    assert "68 % 67%" in text
