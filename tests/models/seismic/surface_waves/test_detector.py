"""Surface waves that no trace shows, found by stacking; what noise, transients and small networks must not make of it."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.geodesy import distance_deg
from models.seismic.location.sphere_grid import sphere_grid
from models.seismic.surface_waves import dispersion_correction
from models.seismic.surface_waves.detector import SurfaceWaveStack, detect_surface_waves
from models.seismic.waveforms import Gather
from tests.support.surface_waves import ORIGIN_S, SECONDS, SOURCE, STATIONS, drawn


def search(gather: Gather) -> SurfaceWaveStack:
    found = detect_surface_waves(gather)
    assert found is not None
    return found


def top_of(found: SurfaceWaveStack) -> tuple[float, float]:
    """Latitude and longitude of the likeliest node of the sphere."""
    sphere = sphere_grid()
    best = int(np.argmax(found.log_likelihood(sphere.geocentric_nodes)))
    return float(sphere.latitudes[best]), float(sphere.longitudes[best])


def test_a_source_that_no_trace_shows_is_found_with_its_origin_time() -> None:
    gather = drawn(1, 5.0)
    found = search(gather)
    assert found.log_evidence > 8.0
    assert distance_deg(*SOURCE, *top_of(found)) < 2.0
    assert found.origin(*SOURCE)[0] == pytest.approx(ORIGIN_S, abs=30.0)


def test_without_its_dispersion_taken_out_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    gather = drawn(1, 5.0)
    clear = search(gather).log_evidence
    monkeypatch.setattr(dispersion_correction, "phase_slowness_s_km", lambda frequencies: np.full(frequencies.shape, 1.0 / 3.8))
    assert search(gather).log_evidence < clear - 5.0


def test_waves_that_are_all_late_by_one_percent_are_found_there() -> None:
    assert distance_deg(*SOURCE, *top_of(search(drawn(2, 6.0, slowness=1.01)))) < 2.5


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_source(seed: int) -> None:
    assert search(drawn(10 + seed, 0.0)).log_evidence < 2.0


def test_great_transients_of_single_traces_neither_make_a_source_nor_hide_one() -> None:
    random = np.random.default_rng(5)
    quiet, event = drawn(11, 0.0), drawn(1, 5.0)
    bursts = np.zeros((STATIONS, SECONDS), np.float32)
    for row in bursts[:5]:
        at = int(random.integers(500, SECONDS - 500))
        row[at : at + 200] = 300.0 * np.sin(2.0 * np.pi * np.arange(200) / 50.0)
    assert search(replace(quiet, samples=quiet.samples + bursts)).log_evidence < 2.0
    assert distance_deg(*SOURCE, *top_of(search(replace(event, samples=event.samples + bursts)))) < 2.5


def test_gaps_dead_traces_and_traces_without_a_place_are_left_out() -> None:
    gather = drawn(1, 5.0)
    samples, latitudes = gather.samples.copy(), gather.latitudes_deg.copy()
    samples[0], samples[1, 1000:1400], samples[2, 600:] = 0.0, np.nan, np.nan
    latitudes[3] = np.nan
    found = search(replace(gather, samples=samples, latitudes_deg=latitudes))
    assert len(found.envelopes.stations) == STATIONS - 3
    assert not found.envelopes.live[0, 100:140].any()
    assert distance_deg(*SOURCE, *top_of(found)) < 2.0


def test_short_windows_and_networks_in_one_place_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gather = drawn(1, 5.0)
    monkeypatch.setattr("models.seismic.surface_waves.detector.correct_dispersion", lambda _gather: pytest.fail("looked at"))
    assert detect_surface_waves(replace(gather, samples=gather.samples[:, :1700])) is None
    local = replace(gather, latitudes_deg=0.01 * gather.latitudes_deg, longitudes_deg=0.01 * gather.longitudes_deg)
    assert detect_surface_waves(local) is None


def test_the_likelihood_is_one_on_average_over_the_sphere_and_misleads_by_a_bounded_amount() -> None:
    llr = search(drawn(1, 5.0)).log_likelihood(sphere_grid().geocentric_nodes)
    assert np.mean(np.exp(llr)) == pytest.approx(1.0, abs=0.01)
    assert llr.min() == pytest.approx(np.log(0.05), abs=0.05)
