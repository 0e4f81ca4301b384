"""A source inversion as parts of the result."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.trace_id import TraceId
from tests.support.sources import make_force, make_tensor, make_trace
from workers.jobs.source_answer import describe_inversion, name_depth_methods
from workers.jobs.source_figures import describe_lines, draw_inversion, format_power, write_waveform_fit

GATHER = SimpleNamespace(trace_ids=tuple(TraceId("IU", f"S{k}", "00", "LHZ") for k in range(8)))
VERTICAL_STRIKE_SLIP = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


def make_found(kind, **changes):
    is_tensor = kind == "tensor"
    force = SimpleNamespace(azimuth_deg=230.0, uncertainty_deg=6.0, ambiguous=False)
    known = {
        "depth": SimpleNamespace(depth_km=120.0, uncertainty_km=9.0) if is_tensor else None,
        "force_azimuth": None if is_tensor else force,
    }
    known |= {"source": make_tensor() if is_tensor else make_force(), "event_type": "earthquake" if is_tensor else "glacial"}
    return SimpleNamespace(
        **(known | {"arrivals": (), "depth_phases": None, "depth_density": "any", "readings": SimpleNamespace(withheld=False)} | changes)
    )


def test_a_moment_tensor_is_stated_with_its_nodal_planes_and_depth():
    """A tensor of tp alone is a vertical strike-slip fault along north or east."""
    found = describe_inversion(GATHER, make_found("tensor", source=make_tensor(tensor=make_tensor().tensor * 0.0 + VERTICAL_STRIKE_SLIP)))

    assert found.kind == "moment-tensor"
    assert [plane["dip"] for plane in found.nodal_planes] == pytest.approx([90.0, 90.0])
    assert (found.depth_km, found.tensor["tp"], found.double_couple) == (120.0, 1.0, 1.0)
    assert found.mechanism_uncertainty_deg == 20.0
    assert [point.depth_km for point in found.depth_profile] == list(DEPTHS_KM)


def test_a_mechanism_that_the_waveforms_leave_open_is_not_stated():
    known, unknown = (
        describe_inversion(GATHER, make_found("tensor", source=make_tensor(mechanism_uncertainty_deg=deviation)))
        for deviation in (60.0, 61.0)
    )

    assert (known.tensor is not None, len(known.nodal_planes)) == (True, 2)
    assert (unknown.tensor, unknown.nodal_planes, unknown.double_couple) == (None, [], None)
    assert (unknown.mechanism_uncertainty_deg, unknown.depth_km, unknown.moment_magnitude) == (61.0, 120.0, 6.0)


def test_magnitude_and_amplitude_are_stated_where_a_response_is_known_and_otherwise_why_not():
    known, unknown = (
        describe_inversion(GATHER, make_found("tensor", source=source)) for source in (make_tensor(), make_tensor(amplitude=None))
    )
    force = describe_inversion(GATHER, make_found("force", source=make_force(amplitude=make_tensor().amplitude)))

    assert (known.moment_magnitude, known.moment_magnitude_uncertainty, known.amplitude_unknown) == (6.0, 0.04, None)
    assert (unknown.moment_magnitude, unknown.scalar_moment_n_m) == (None, None)
    assert "StationXML" in unknown.amplitude_unknown
    assert (force.scalar_moment_n_m, force.force_amplitude_kg_m) == (None, pytest.approx(10**18.1, rel=1e-5))


def test_a_force_has_neither_tensor_nor_depth_but_its_likelihood_over_azimuth():
    found = describe_inversion(GATHER, make_found("force"))

    assert (found.kind, found.tensor, found.depth_km, found.nodal_planes) == ("single-force", None, None, [])
    assert found.sign_probability == 0.97
    assert max(found.azimuth_profile, key=lambda point: point.log_likelihood).azimuth_deg in (50.0, 230.0)


def test_each_trace_is_stated_with_correlation_shift_and_place():
    first, second = describe_inversion(GATHER, make_found("force")).traces[:2]

    assert (first.trace, first.correlation, first.shift_s, first.body_correlation) == ("IU.S0.00.LHZ", 0.8, 2.0, None)
    assert (second.azimuth_deg, second.distance_deg, second.body_correlation) == (45.0, 41.0, 0.8)


def test_love_waves_and_the_assumed_response_are_stated():
    plain = make_force()
    with_love = [replace(trace, waveform=replace(trace.waveform, love=replace(trace.waveform.rayleigh, correlation=0.7, shift_s=-4.0)))
                 for trace in plain.traces]  # fmt: skip
    source = make_force(traces=tuple(with_love), response_known=False)
    found, without = (describe_inversion(GATHER, make_found("force", source=one)) for one in (source, plain))

    assert (found.traces[0].love_correlation, found.traces[0].love_shift_s, found.response) == (0.7, -4.0, "assumed-velocity")
    assert (without.traces[0].love_correlation, without.response) == (None, "known")
    assert (
        json.loads(write_waveform_fit(GATHER, make_found("force", source=source))["waveform_fit"])["stations"][0]["love"]["shift_s"] == -4.0
    )
    drawn, plainly = (draw_inversion(GATHER, make_found("force", source=one))["waveform_fit"] for one in (source, plain))
    assert drawn != plainly


def test_the_methods_name_what_the_depth_rests_on():
    assert name_depth_methods(make_found("tensor")) == "section+waveform-inversion"
    assert name_depth_methods(make_found("force")) is None
    assert name_depth_methods(make_found("tensor", source=None, arrivals=(1,))) == "section+arrival-times"
    with_phases = make_found("tensor", source=None, arrivals=(1,), depth_phases=SimpleNamespace(found=True))
    assert name_depth_methods(with_phases) == "section+arrival-times+depth-phases"


def test_a_depth_that_only_the_inversion_determines_rests_on_it_alone():
    """That of an event which became an earthquake by its waveforms, or whose stations are too few for a section."""
    found = make_found("tensor", arrivals=(1,), depth_phases=SimpleNamespace(found=True), depth_density=None)
    assert name_depth_methods(found) == "waveform-inversion"
    assert describe_inversion(GATHER, make_found("tensor", source=None)) is None


def test_figures_show_what_the_inversion_constrains():
    for kind in ("tensor", "force"):
        drawn = draw_inversion(GATHER, make_found(kind))
        assert sorted(drawn) == ["mechanism", "source_likelihood", "waveform_fit"]
        assert all(data.startswith(b"\x89PNG") for data in drawn.values())
    assert list(draw_inversion(GATHER, make_found("force", source=make_force(log_likelihood=10.0)))) == ["waveform_fit"]
    assert draw_inversion(GATHER, make_found("tensor", source=None)) == {}
    assert draw_inversion(GATHER, make_found("force", source=make_force(traces=()))) == {}


def test_two_forces_are_drawn_differently_and_an_ambiguous_one_both_ways():
    drawn = [
        draw_inversion(
            GATHER, make_found("force", force_azimuth=SimpleNamespace(azimuth_deg=azimuth, uncertainty_deg=6.0, ambiguous=ambiguous))
        )["mechanism"]
        for azimuth, ambiguous in ((230.0, False), (50.0, False), (230.0, True))
    ]
    assert len(set(drawn)) == 3


def test_numbers_beside_a_mechanism_are_written_as_in_print():
    assert [format_power(3.652e19, 2), format_power(0.00123, 1)] == ["3.65 × 10¹⁹", "1.2 × 10⁻³"]
    lines = describe_lines(make_tensor())
    assert "Mw 6.00 ± 0.04, 1.26 × 10¹⁸ N m" in lines
    assert not any("e+" in line or "-" in line for line in lines)


def test_a_trace_that_fits_better_changes_the_waveform_figure():
    better = make_force(traces=tuple(make_trace(k, 0.95) for k in range(8)))

    assert (
        draw_inversion(GATHER, make_found("force", source=better))["waveform_fit"]
        != draw_inversion(GATHER, make_found("force"))["waveform_fit"]
    )


def test_the_waveform_fit_is_written_for_the_page_with_every_trace_and_its_windows():
    data = json.loads(write_waveform_fit(GATHER, make_found("tensor"))["waveform_fit"])

    assert [station["trace"] for station in data["stations"]] == [f"IU.S{k}.00.LHZ" for k in range(len(data["stations"]))]
    assert data["traces_in_all"] == len(make_tensor().traces)
    windows = [station["rayleigh"] for station in data["stations"]]
    assert {max(*map(abs, window["observed"]), *map(abs, window["synthetic"])) for window in windows} == {1000}
    assert [window["correlation"] for window in windows] == pytest.approx(
        [trace.waveform.rayleigh.correlation for trace in make_tensor().traces], abs=1e-3
    )
    assert write_waveform_fit(GATHER, make_found("tensor", source=None)) == {}
