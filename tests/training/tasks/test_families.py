"""Sources are rotated with the Earth, pseudo-labels are learned, and mixtures are drawn as stated."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.networks.families import FamiliesModel
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.families import CENTERS, EMBEDDING_SIZE, FAMILIES
from training.config import load_recipe
from training.datasets.source_pairs import KINDS, rotate_rates
from training.evaluation.cluster_metrics import draw_mixture
from training.export.artifact import export_artifact
from training.learning import deepcluster
from training.learning.deepcluster import ClusterRecipe, assign_pseudo_labels, sample_uniformly_over_labels
from training.learning.projections import fit_shared_directions, fit_whitening
from training.synthesis.records import contract_source
from training.synthesis.sources import Source
from training.tasks.families_plan import FamiliesPlan

CLUSTERS = ClusterRecipe(
    architecture="resnet18",
    sobel=False,
    width=0.0625,
    clusters=2,
    rounds=2,
    batch=16,
    learning_rate=0.05,
    weight_decay=0.0,
    seed=3,
)


def bright_or_dark(count, seed):
    """Two-channel pictures, all over brighter or darker, and which."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, count)
    pictures = random.integers(0, 60, (count, 2, 24, 32), dtype=np.uint8)
    for picture, kind in zip(pictures, truth, strict=True):
        picture[:] += np.uint8(150 * kind)
    return pictures, truth


def small_reader(clusters=CENTERS):
    torch.manual_seed(0)
    return FamiliesModel("resnet18", 0.0625, 2, EMBEDDING_SIZE, clusters)


@pytest.mark.parametrize("components", [3, 6])
def test_a_turned_source_seen_from_a_turned_station_is_the_same(components):
    rates = np.random.default_rng(components).normal(size=(components, 5))
    source = Source("any", 0.0, 0.0, 10.0, rates)
    seen = contract_source(source, np.array([20.0, 130.0]))
    moved = contract_source(replace(source, rates=rotate_rates(rates, np.radians(35.0))), np.array([55.0, 165.0]))
    np.testing.assert_allclose(moved, seen, atol=1e-12)


def test_pseudo_labels_find_separate_blobs_and_batches_see_them_equally_often():
    random = np.random.default_rng(0)
    kinds = np.repeat([0, 1, 2], [80, 20, 20])
    features = (np.eye(3)[kinds] * 9 + random.normal(0, 0.1, (120, 3))).astype(np.float32)
    labels, centers = assign_pseudo_labels(fit_whitening(features, 2)(features), 3, seed=1)
    assert all(len(np.unique(labels[kinds == kind])) == 1 for kind in range(3))
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1.0, rtol=1e-5)
    rows = sample_uniformly_over_labels(labels, random)
    assert len(rows) == 120
    assert np.bincount(labels[rows]).min() > 20


def test_whitened_features_are_uncorrelated_before_they_are_scaled():
    features = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32) @ np.diag([9, 5, 3, 2, 1, 0.5]).astype(np.float32)
    whitening = fit_whitening(features, 4)
    white = (features - whitening.mean) @ whitening.matrix
    np.testing.assert_allclose(np.cov(white.T), np.eye(4), atol=0.02)


def test_clusters_never_run_empty():
    labels, _ = assign_pseudo_labels(np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32), 30, seed=1)
    assert len(np.unique(labels)) >= 28


def test_deepcluster_parts_what_differs_and_goes_on_where_it_stopped(tmp_path):
    pictures, truth = bright_or_dark(48, 0)
    shares = []
    done = deepcluster.train_deepcluster(small_reader(2), pictures, CLUSTERS, tmp_path, shares.append)
    assert max((done.labels == truth).mean(), (done.labels != truth).mean()) == 1.0
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    again = deepcluster.train_deepcluster(small_reader(2), pictures, CLUSTERS, tmp_path)
    np.testing.assert_allclose(again.history.losses, done.history.losses)
    np.testing.assert_array_equal(again.labels, done.labels)


def test_deepcluster_stops_where_the_watcher_says_so():
    class Stopped(Exception):
        pass

    def stop(_share):
        raise Stopped

    with pytest.raises(Stopped):
        deepcluster.train_deepcluster(small_reader(2), bright_or_dark(32, 0)[0], CLUSTERS, on_progress=stop)


def test_the_published_trunk_sees_gradients_only():
    network = FamiliesModel("alexnet", 0.125, 3, EMBEDDING_SIZE, 4, sobel=True).eval()
    picture = np.random.default_rng(0).integers(0, 100, (2, 3, 160, 160), dtype=np.uint8)
    seen = network.preprocess(torch.from_numpy(picture))
    brighter = network.preprocess(torch.from_numpy(picture + np.uint8(50)))
    assert seen.shape == (2, 2, 160, 160)
    torch.testing.assert_close(seen[..., 1:-1, 1:-1], brighter[..., 1:-1, 1:-1], atol=1e-6, rtol=0)


def test_what_two_views_agree_in_comes_first():
    random = np.random.default_rng(0)
    source = random.normal(size=(200, 1))
    one, other = (np.concatenate([3 * random.normal(size=(200, 5)), source + 0.1 * random.normal(size=(200, 1))], 1) for _ in range(2))
    projection = fit_shared_directions(one.astype(np.float32), other.astype(np.float32), 2)
    seen = (one - projection.mean) @ projection.matrix
    assert abs(np.corrcoef(seen[:, 0], source[:, 0])[0, 1]) > 0.95
    assert seen[:, 1].std() < 0.5 * seen[:, 0].std()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_an_exported_trunk_says_embedding_and_similarities(tmp_path):
    network, (pictures, _) = small_reader(), bright_or_dark(40, 2)
    features = deepcluster.extract_features(network, pictures, 16)
    labels = deepcluster.set_projection(network, fit_whitening(features, EMBEDDING_SIZE), features, 1)
    export_artifact(network, FAMILIES, "1", tmp_path, data={}, limits=(), calibration={})
    said = OnnxModel.load(open_store(tmp_path), FAMILIES).run(pictures)
    np.testing.assert_allclose(np.linalg.norm(said["embedding"], axis=1), 1.0, rtol=1e-3)
    assert (said["similarities"].argmax(axis=1) == labels).mean() > 0.9


def test_mixtures_hold_two_to_eight_kinds_and_no_event_twice():
    plan, kinds = load_recipe("families", FamiliesPlan).benchmark, np.repeat(np.arange(len(KINDS)), 30)
    counts = []
    for seed in range(20):
        mixture = draw_mixture(kinds, plan, np.random.default_rng(seed))
        assert len(np.unique(mixture.rows)) == len(mixture.rows) >= 10
        counts.append(len(np.unique(mixture.kinds)))
    assert min(counts) >= 2
    assert max(counts) == 8
