"""Source parameters of known sources, and the regression that predicts them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.networks.families import POOL, KernelRegression
from models.specs.families import CENTERS, EMBEDDING_SIZE, FAMILIES
from training.export.artifact import compare_with_torch, export_artifact
from training.learning.kernel_regression import KernelRegressionRecipe, average_patches, fit_kernel_regression, scale_parameters
from training.synthesis.source_parameters import NAMES, PERIODS_S, WEIGHTS, describe_source
from training.synthesis.sources import make_anomalous, make_glacial

STEP_S = 2.0
RECIPE = KernelRegressionRecipe(sharpness=(0.02, 0.1), penalties=(0.003, 0.03), folds=3, seed=3)


def name_parameters(source):
    return dict(zip(NAMES, describe_source(source, STEP_S), strict=True))


def draw_source(kind, seed=0):
    return make_anomalous(kind, (10.0, 20.0), STEP_S, np.random.default_rng(seed))


def levels(source):
    return describe_source(source, STEP_S)[4:]


def test_every_parameter_has_a_weight():
    assert len(NAMES) == len(WEIGHTS) == len(describe_source(draw_source("explosion"), STEP_S)) == 4 + len(PERIODS_S)


def test_isotropic_fractions_are_positive_for_explosions_and_negative_for_collapses():
    assert name_parameters(draw_source("explosion"))["isotropic"] > 0.8
    assert name_parameters(draw_source("collapse"))["isotropic"] < -0.8
    assert name_parameters(draw_source("slow_earthquake"))["isotropic"] == pytest.approx(0.0, abs=0.05)
    ringing = draw_source("resonance")
    assert name_parameters(ringing)["isotropic"] == pytest.approx(name_parameters(replace(ringing, rates=-ringing.rates))["isotropic"])


def test_forces_differ_from_moment_tensors_at_the_surface():
    force = name_parameters(make_glacial((70.0, -40.0), 1e14, 30.0, STEP_S, np.random.default_rng(1)))
    assert (force["force"], force["isotropic"], force["logarithm of depth"]) == (1.0, 0.0, 1.0)
    assert name_parameters(draw_source("landslide"))["force"] == 1.0
    assert name_parameters(draw_source("collapse"))["force"] == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_durations_are_in_the_order_of_the_sources(seed):
    short, long = (name_parameters(draw_source(kind, seed))["logarithm of duration"] for kind in ("explosion", "slow_earthquake"))
    assert short < 1.0
    assert 1.5 < long < 2.4


def test_a_resonance_peaks_at_its_period():
    ringing = draw_source("resonance", 2)
    power = np.abs(np.fft.rfft(ringing.rates[0], 1 << 14))
    period_s = 1 / np.fft.rfftfreq(1 << 14, STEP_S)[power.argmax()]
    assert PERIODS_S[int(levels(ringing).argmax())] == pytest.approx(period_s, rel=0.2)
    assert levels(ringing).max() == 0.0


def test_parameters_are_independent_of_size_and_direction():
    source = draw_source("landslide", 3)
    turned = np.stack([source.rates[0], -source.rates[2], source.rates[1]])
    np.testing.assert_allclose(describe_source(replace(source, rates=1e3 * turned), STEP_S), describe_source(source, STEP_S), atol=1e-9)


def pictures_with_a_row(random, rows):
    """Two views of each source: noise, and one bright row, whose place is all that is to be read."""
    views = random.integers(0, 60, (len(rows), 2, 2, 24, 32), dtype=np.uint8)
    views[np.arange(len(rows)), :, :, rows] = 200
    return views


def test_the_regression_predicts_which_row_was_bright():
    random = np.random.default_rng(0)
    rows, unseen = 4 + np.arange(64) % 16, random.integers(4, 20, 30)
    reader = fit_kernel_regression(pictures_with_a_row(random, rows), np.stack([np.cos(rows / 8), np.sin(rows / 8)], axis=1), RECIPE)
    with torch.no_grad():
        embedding, similarities = reader(torch.from_numpy(pictures_with_a_row(random, unseen)[:, 0]))
    truth = np.stack([np.cos(unseen / 8), np.sin(unseen / 8)], axis=1)
    truth -= np.stack([np.cos(rows / 8), np.sin(rows / 8)], axis=1).mean(axis=0)
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    assert (embedding[:, :2].numpy() * truth).sum(axis=1).mean() > 0.9
    assert embedding.shape == (30, EMBEDDING_SIZE)
    assert similarities.shape == (30, CENTERS)


def test_known_and_new_pictures_are_averaged_alike():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 2, 24, 32), dtype=np.uint8)
    means = torch.nn.functional.avg_pool2d(torch.from_numpy(pictures).float(), POOL).flatten(1).numpy()
    np.testing.assert_allclose(average_patches(pictures), means, atol=0.5)
    likeness = KernelRegression(torch.from_numpy(average_patches(pictures)), 0.1)(torch.from_numpy(pictures).float() / 255.0).numpy()
    np.testing.assert_allclose(np.diag(likeness), 1.0, atol=0.01)
    apart = np.linalg.norm(means[0] - means[1]) / 255.0
    assert likeness[0, 1] == pytest.approx(np.exp(-0.1 * apart), rel=0.01)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.usefixtures("shared_onnx_registry")
def test_an_exported_regression_agrees_with_torch(tmp_path):
    random = np.random.default_rng(1)
    views = pictures_with_a_row(random, random.integers(0, 24, 40))
    reader = fit_kernel_regression(views, random.normal(size=(40, 16)), RECIPE)
    place = export_artifact(reader, FAMILIES, "1", tmp_path, data={}, limits=(), calibration={}, storage="float32")
    assert compare_with_torch(reader, place / "model.onnx", np.ascontiguousarray(views[:20, 0])) < 0.02


def test_scaled_parameters_have_the_standard_deviation_of_their_weights():
    described = np.random.default_rng(0).normal(3.0, 7.0, (200, len(NAMES)))
    np.testing.assert_allclose(scale_parameters(described).mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(scale_parameters(described).std(axis=0), WEIGHTS)
