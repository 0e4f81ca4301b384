"""DeepCluster: pseudo-labels, resumption, stopping, and export."""

import numpy as np
import pytest
import torch

from models.networks.families import FamiliesModel
from models.specs.families import EMBEDDING_SIZE
from tests.support.bright_and_dark import draw_pictures, make_network
from training.learning import deepcluster
from training.learning.deepcluster import ClusterRecipe, assign_pseudo_labels, fit_whitening, sample_uniformly_over_labels

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


def test_pseudo_labels_separate_clusters_and_batches_are_uniform_over_them():
    random = np.random.default_rng(0)
    kinds = np.repeat([0, 1, 2], [80, 20, 20])
    features = (np.eye(3)[kinds] * 9 + random.normal(0, 0.1, (120, 3))).astype(np.float32)
    labels, centers = assign_pseudo_labels(fit_whitening(features, 2)(features), 3, seed=1)
    assert all(len(np.unique(labels[kinds == kind])) == 1 for kind in range(3))
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1.0, rtol=1e-5)
    rows = sample_uniformly_over_labels(labels, random)
    assert len(rows) == 120
    assert np.bincount(labels[rows]).min() > 20


def test_clusters_never_run_empty():
    labels, _ = assign_pseudo_labels(np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32), 30, seed=1)
    assert len(np.unique(labels)) >= 28


def test_deepcluster_separates_two_kinds_and_resumes(tmp_path):
    pictures, truth = draw_pictures(48, 0)
    fractions = []
    done = deepcluster.train_deepcluster(make_network(2), pictures, CLUSTERS, tmp_path, fractions.append)
    assert max((done.labels == truth).mean(), (done.labels != truth).mean()) == 1.0
    assert fractions[-1] == 1.0
    assert fractions == sorted(fractions)
    again = deepcluster.train_deepcluster(make_network(2), pictures, CLUSTERS, tmp_path)
    np.testing.assert_allclose(again.history.losses, done.history.losses)
    np.testing.assert_array_equal(again.labels, done.labels)


def test_deepcluster_stops_when_the_callback_raises():
    class Stopped(Exception):
        pass

    def stop(_fraction):
        raise Stopped

    with pytest.raises(Stopped):
        deepcluster.train_deepcluster(make_network(2), draw_pictures(32, 0)[0], CLUSTERS, on_progress=stop)


def test_the_published_backbone_sees_gradients_only():
    network = FamiliesModel("alexnet", 0.125, 3, EMBEDDING_SIZE, 4, sobel=True).eval()
    picture = np.random.default_rng(0).integers(0, 100, (2, 3, 160, 160), dtype=np.uint8)
    gradients = network.preprocess(torch.from_numpy(picture))
    brighter = network.preprocess(torch.from_numpy(picture + np.uint8(50)))
    assert gradients.shape == (2, 2, 160, 160)
    torch.testing.assert_close(gradients[..., 1:-1, 1:-1], brighter[..., 1:-1, 1:-1], atol=1e-6, rtol=0)


def test_a_network_with_its_projection_returns_embedding_and_similarities():
    """The exported one does so as well: the tests of heads compare every output."""
    network, (pictures, _) = make_network(), draw_pictures(40, 2)
    features = deepcluster.extract_features(network, pictures, 16)
    labels = deepcluster.set_projection(network, fit_whitening(features, EMBEDDING_SIZE), features, 1)
    with torch.no_grad():
        embedding, similarities = (output.numpy() for output in network.eval()(torch.from_numpy(pictures)))
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1.0, rtol=1e-3)
    assert (similarities.argmax(axis=1) == labels).mean() > 0.9


def test_whitened_features_are_uncorrelated_before_they_are_scaled():
    features = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32) @ np.diag([9, 5, 3, 2, 1, 0.5]).astype(np.float32)
    whitening = fit_whitening(features, 4)
    white = (features - whitening.mean) @ whitening.matrix
    np.testing.assert_allclose(np.cov(white.T), np.eye(4), atol=0.02)
