"""Sources against published properties of their kind: duration, amplitude, direction."""

import numpy as np
import pytest

from training.synthesis.records import apply_directivity, contract_source
from training.synthesis.sources import KINDS, Source, make_anomalous, make_earthquake, make_glacial, rupture_length_km, triangle_rate

STEP_S = 2.0


def integrate_force(source: Source) -> np.ndarray:
    """Force [3, samples] up, north, east in N."""
    return np.cumsum(source.rates, axis=1) * STEP_S


def duration_s_of(force: np.ndarray) -> float:
    size = np.linalg.norm(force, axis=0)
    return float(np.count_nonzero(size > 1e-3 * size.max()) * STEP_S)


def test_glacial_forces_last_half_a_minute_to_two_minutes():
    lengths = [
        duration_s_of(integrate_force(make_glacial((66, -38), 1e14, 40.0, STEP_S, np.random.default_rng(seed)))) for seed in range(300)
    ]
    assert 26 <= min(lengths) < 40, "30 s less what two half sines lose in sampling"
    assert 100 < max(lengths) <= 120


def test_glacial_forces_are_near_horizontal_along_their_azimuth():
    rising = []
    for seed in range(200):
        up, north, east = integrate_force(make_glacial((66, -38), 1e14, 40.0, STEP_S, np.random.default_rng(seed)))
        strongest = np.hypot(north, east).argmax()
        assert np.degrees(np.arctan2(east[strongest], north[strongest])) % 180 == pytest.approx(40.0)
        rising.append(up[strongest] / np.hypot(north, east)[strongest])
    assert np.std(rising) > 0.05
    assert np.percentile(np.abs(rising), 95) < 0.3


def test_a_glacial_force_reverses_once():
    for seed in range(20):
        _, north, _ = integrate_force(make_glacial((66, -38), 1e14, 0.0, STEP_S, np.random.default_rng(seed)))
        signs = np.sign(north[np.abs(north) > 1e-3 * np.abs(north).max()])
        assert np.count_nonzero(np.diff(signs)) == 1


def test_glacial_forces_have_three_shapes():
    """Mean over largest force of each half: of a half sine 0.64, of its root 0.76, of its square 0.5."""
    fullness = set()
    for seed in range(60):
        _, north, _ = integrate_force(make_glacial((66, -38), 1e14, 0.0, 0.1, np.random.default_rng(seed)))
        first = north[: np.flatnonzero(np.diff(np.sign(north[:-1])))[0] + 1]
        fullness.add(round(float(np.abs(first).mean() / np.abs(first).max()), 2))
    assert fullness == {0.5, 0.64, 0.76}


def test_landslides_are_long_and_change_direction():
    lengths, turns = [], []
    for seed in range(100):
        up, north, east = integrate_force(make_anomalous("landslide", (60, -140), STEP_S, np.random.default_rng(seed)))
        lengths.append(duration_s_of(np.stack([up, north, east])))
        strong = np.flatnonzero(np.hypot(north, east) > 0.3 * np.hypot(north, east).max())
        azimuth = np.degrees(np.unwrap(2 * np.arctan2(east[strong], north[strong]))) / 2
        turns.append(np.ptp(azimuth))
    assert min(lengths) >= 50
    assert max(lengths) <= 202
    assert np.median(turns) > 15


def test_only_glacial_earthquakes_and_landslides_are_forces():
    random = np.random.default_rng(0)
    forces = {kind for kind in KINDS[2:] if make_anomalous(kind, (0, 0), STEP_S, random).is_force}
    assert forces == {"landslide"}


@pytest.mark.parametrize(("magnitude", "min_duration_s"), [(8.0, 30), (9.0, 120)])
def test_great_earthquakes_last_at_least_as_long_as_their_rupture(magnitude, min_duration_s):
    moment = 10 ** (1.5 * magnitude + 9.1)
    tensor = np.array([moment, -moment, 0, 0, 0, 0.0])
    lengths = [make_earthquake((0, 0, 10), tensor, STEP_S, np.random.default_rng(seed)).rates.shape[1] * STEP_S for seed in range(60)]
    assert min(lengths) >= min_duration_s
    assert rupture_length_km(moment) == pytest.approx({8.0: 160, 9.0: 612}[magnitude], rel=0.02)


def test_directivity_shortens_the_source_time_function_ahead_and_stretches_it_behind():
    moment, duration_s, delay_s = np.array([1e21, -1e21, 0, 0, 0, 0.0]), 60.0, 18.0
    source = Source("earthquake", 0, 0, 10, moment[:, None] * triangle_rate(duration_s, STEP_S), 90.0, delay_s)
    azimuths = np.array([90.0, 0.0, 270.0])
    rates = contract_source(source, azimuths)
    directed = apply_directivity(rates, source, azimuths, STEP_S)
    np.testing.assert_allclose(directed.sum(axis=2), rates.sum(axis=2), rtol=1e-9)
    shape = np.abs(directed[:, 0])
    lengths = [duration_s_of(row[None]) for row in shape]
    assert lengths == pytest.approx([duration_s - 2 * delay_s, duration_s, duration_s + 2 * delay_s], abs=2 * STEP_S)
    centroids = (shape * (np.arange(shape.shape[1]) + 0.5)).sum(axis=1) / shape.sum(axis=1) * STEP_S
    assert np.diff(centroids) == pytest.approx([delay_s, delay_s], abs=1.0)


def test_a_bilateral_rupture_has_no_directivity():
    source = Source("earthquake", 0, 0, 10, np.ones((6, 1)) * triangle_rate(60.0, STEP_S), 90.0, 0.0)
    rates = contract_source(source, np.array([0.0, 90.0]))
    assert apply_directivity(rates, source, np.array([0.0, 90.0]), STEP_S) is rates
