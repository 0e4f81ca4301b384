"""Surface waves below the noise of every trace are detected by the stack; noise, transients and small networks are not."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.geodesy import distance_deg
from models.seismic.location.sphere_grid import sphere_grid
from models.seismic.surface_waves import dispersion_correction
from models.seismic.surface_waves.detector import ORIGIN_ERROR_S, SurfaceWaveStack, detect_surface_waves
from models.seismic.waveforms import Gather
from tests.support.surface_waves import ORIGIN_S, SECONDS, SOURCE, STATIONS, draw_gather


def stack(gather: Gather) -> SurfaceWaveStack:
    found = detect_surface_waves(gather)
    assert found is not None
    return found


def most_likely_node(found: SurfaceWaveStack) -> tuple[float, float]:
    """Latitude and longitude of the most likely node of the sphere."""
    sphere = sphere_grid()
    best = int(np.argmax(found.log_likelihood(sphere.geocentric_nodes)))
    return float(sphere.latitudes[best]), float(sphere.longitudes[best])


def test_a_source_hidden_in_the_noise_of_every_trace_is_detected_with_its_origin_time() -> None:
    gather = draw_gather(1, 5.0)
    found = stack(gather)
    assert found.log_evidence > 8.0
    assert distance_deg(*SOURCE, *most_likely_node(found)) < 2.0
    latitude_deg, longitude_deg = (np.array([value]) for value in SOURCE)
    time_s, deviation_s = found.origin(latitude_deg, longitude_deg)
    assert time_s == pytest.approx(ORIGIN_S, abs=30.0)
    assert deviation_s == ORIGIN_ERROR_S
    one_sided_s = found.origin(latitude_deg + np.array([-4.0, 4.0]), longitude_deg + np.array([-4.0, 4.0]))[1]
    assert one_sided_s > ORIGIN_ERROR_S


def test_without_dispersion_correction_the_evidence_is_much_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    gather = draw_gather(1, 5.0)
    corrected = stack(gather).log_evidence
    monkeypatch.setattr(dispersion_correction, "phase_slowness_s_km", lambda frequencies: np.full(frequencies.shape, 1.0 / 3.8))
    assert stack(gather).log_evidence < corrected - 5.0


def test_a_common_slowness_error_of_one_percent_does_not_move_the_source() -> None:
    assert distance_deg(*SOURCE, *most_likely_node(stack(draw_gather(2, 6.0, slowness=1.01)))) < 2.5


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_evidence_of_a_source(seed: int) -> None:
    assert stack(draw_gather(10 + seed, 0.0)).log_evidence < 2.0


def test_large_transients_on_single_traces_neither_imitate_nor_hide_a_source() -> None:
    random = np.random.default_rng(5)
    quiet, event = draw_gather(11, 0.0), draw_gather(1, 5.0)
    bursts = np.zeros((STATIONS, SECONDS), np.float32)
    for row in bursts[:5]:
        at = int(random.integers(500, SECONDS - 500))
        row[at : at + 200] = 300.0 * np.sin(2.0 * np.pi * np.arange(200) / 50.0)
    assert stack(replace(quiet, samples=quiet.samples + bursts)).log_evidence < 2.0
    assert distance_deg(*SOURCE, *most_likely_node(stack(replace(event, samples=event.samples + bursts)))) < 2.5


def test_gaps_dead_traces_and_traces_without_coordinates_are_left_out() -> None:
    gather = draw_gather(1, 5.0)
    samples, latitudes = gather.samples.copy(), gather.latitudes_deg.copy()
    samples[0], samples[1, 1000:1400], samples[2, 600:] = 0.0, np.nan, np.nan
    latitudes[3] = np.nan
    found = stack(replace(gather, samples=samples, latitudes_deg=latitudes))
    assert len(found.envelopes.stations) == STATIONS - 3
    assert not found.envelopes.live[0, 100:140].any()
    assert distance_deg(*SOURCE, *most_likely_node(found)) < 2.0


def test_short_records_and_local_networks_are_not_stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    gather = draw_gather(1, 5.0)
    monkeypatch.setattr("models.seismic.surface_waves.detector.correct_dispersion", lambda _gather: pytest.fail("corrected"))
    assert detect_surface_waves(replace(gather, samples=gather.samples[:, :1700])) is None
    local = replace(gather, latitudes_deg=0.01 * gather.latitudes_deg, longitudes_deg=0.01 * gather.longitudes_deg)
    assert detect_surface_waves(local) is None


def test_the_mean_likelihood_over_the_sphere_is_one_and_its_minimum_is_bounded() -> None:
    llr = stack(draw_gather(1, 5.0)).log_likelihood(sphere_grid().geocentric_nodes)
    assert np.mean(np.exp(llr)) == pytest.approx(1.0, abs=0.01)
    assert llr.min() == pytest.approx(np.log(0.05), abs=0.05)
