"""The generator against what is known of the Earth: fast checks on a 50 s store that is computed here."""

import shutil

import numpy as np
import pytest
import yspec

from training.config import load_recipe
from training.earth import greens
from training.experiments import physics
from training.synthesis.noise import draw_noise_displacement, interpolate_noise_models_db
from training.synthesis.records import synthesize_displacement
from training.synthesis.sources import Source, half_duration_s, make_earthquake, make_glacial, triangle_rate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def long_period_folder(tmp_path_factory):
    """A store up to 8 mHz at two depths: direct synthesis takes a tenth of the time that it takes up to 20 mHz."""
    folder = tmp_path_factory.mktemp("long_periods")
    changes = {"depths_km": (10.0, 600.0), "highest_frequency_mhz": 8.0}
    greens.build_store(load_recipe("greens_50s", greens.GreensConfig).model_copy(update=changes), folder, threads=1)
    return folder


@pytest.fixture(scope="module")
def long_periods(long_period_folder):
    return greens.load_store(long_period_folder)


@pytest.mark.parametrize("depth_km", [10.0, 600.0])
def test_reciprocal_moment_tensor_equals_direct_synthesis(long_periods, depth_km):
    assert physics.compare_with_direct(long_periods, depth_km, 35.0, 42.0) < 1e-3


def test_reciprocal_force_equals_direct_synthesis(long_periods):
    store = long_periods
    azimuth, index = 110.0, 8
    receiver = yspec.great_circle((0.0, 0.0), azimuth, [float(store.forces.distances_deg[index])])[0]
    direct = yspec.seismograms(
        yspec.Model.prem(store.config.deck),
        greens.make_calculation(store.config),
        yspec.Source(0, 0, 0, force={"r": 3e9, "t": -2e9, "p": 9e9}),
        receiver,
    ).data[0, 0, 0]
    step = np.array([3e9, 2e9, 9e9])[:, None] / store.time_step_s
    ours = synthesize_displacement(store, Source("test", 0, 0, 0.0, step), physics.rotate_source(np.array([azimuth]), store.forces, index))[
        0
    ]

    np.testing.assert_allclose(ours, direct[: len(ours)], atol=1e-3 * np.abs(direct).max())


@pytest.mark.parametrize(("rates", "lobes"), [((0, 1e10, 0), 2), ((0, 1e18, -1e18, 0, 0, 0), 4)])
def test_radiation_has_the_lobes_of_its_source(store, rates, lobes):
    """A horizontal force has two, strike slip four."""
    assert physics.count_lobes(store, np.array(rates), 10.0, 50.0) == lobes


def test_rayleigh_wave_travels_at_its_group_velocity(store):
    source = Source("test", 0, 0, 10.0, np.array([1e18, 0, 0, 0, 0, 0])[:, None])
    table = store.strains[0]
    near, far = table.nearest(45.0), table.nearest(95.0)
    peaks = [
        int(np.abs(synthesize_displacement(store, source, physics.rotate_source(np.zeros(1), table, i))[0]).argmax()) * store.time_step_s
        for i in (near, far)
    ]
    velocity = (table.distances_deg[far] - table.distances_deg[near]) * 111.195 / (peaks[1] - peaks[0])

    assert velocity == pytest.approx(3.8, rel=0.05)


def test_glacial_history_has_its_amplitude_and_leaves_nothing_moving():
    step = 2.0
    source = make_glacial((66.4, -38.1), 1e14, 90.0, step, np.random.default_rng(1))
    force = np.cumsum(source.rates[2]) * step
    momentum = np.cumsum(force) * step
    assert abs(momentum[-1]) < 1e-6 * np.abs(momentum).max()
    assert abs(np.sum(momentum) * step) == pytest.approx(1e14, rel=1e-6)


def test_earthquake_releases_its_moment_in_about_its_half_durations():
    tensor = np.array([1e20, -1e20, 0, 0, 0, 0.0])
    source = make_earthquake((0, 0, 10), tensor, 2.0, np.random.default_rng(2))
    np.testing.assert_allclose(source.rates.sum(axis=1) * 2.0, tensor, rtol=1e-9)
    assert half_duration_s(1e20) == pytest.approx(10.5)


def test_triangle_has_unit_area_however_short():
    assert [triangle_rate(t, 2.0).sum() * 2.0 for t in (0.1, 7.0, 100.0)] == pytest.approx([1.0, 1.0, 1.0])


def test_noise_lies_between_the_models():
    step, samples = 2.0, 8192
    noise = draw_noise_displacement(24, samples, step, np.random.default_rng(3))
    frequencies = np.fft.rfftfreq(samples, step)
    band = (frequencies > 0.01) & (frequencies < 0.1)
    power = 2 * np.abs(np.fft.rfft(noise)) ** 2 * step / samples * (2 * np.pi * frequencies) ** 4
    level = 10 * np.log10(power.mean(axis=0)[band])
    low, high = interpolate_noise_models_db(frequencies[band])
    median = np.median(power, axis=0)[band]
    assert np.mean(level < high + 3) > 0.9
    assert np.mean(10 * np.log10(median) > low - 3) > 0.9


def test_a_damaged_store_is_refused(long_period_folder, tmp_path):
    damaged = shutil.copytree(long_period_folder, tmp_path / "damaged")
    path = damaged / "strains_00.npz"
    path.write_bytes(path.read_bytes()[:-9] + b"tampered!")
    with pytest.raises(ValueError, match="does not match its digest"):
        greens.load_store(damaged)


@pytest.mark.parametrize(("phase", "limit_s"), [("P", 4.0), ("S", 8.0)])
def test_body_waves_arrive_when_taup_says(store, phase, limit_s):
    distances, late = physics.measure_travel_time_residuals(store, phase, 600.0)
    assert len(distances) >= 5
    assert abs(np.median(late)) < limit_s


def test_moment_is_recovered_from_the_amplitude_of_the_rayleigh_wave(store):
    for moment in (1e17, 1e20):
        assert np.median(physics.recover_moments(store, moment, 100.0, 60, seed=1)) == pytest.approx(moment, rel=0.5)
