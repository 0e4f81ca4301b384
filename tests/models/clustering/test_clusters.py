"""Clusters that exist are found, and none are claimed where there are none."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from models.clustering.cluster_count import adjusted_rand_index, silhouette
from models.clustering.clusters import REPRESENTATIVES, _outliers, find_clusters
from models.errors import TooFewEvents

pytestmark = pytest.mark.slow


def blobs(count, clusters, seed=0, separation=1.0):
    """Draw embeddings [count, 32] around random centers, of unequal widths and sizes, and return them with their true clusters."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate((np.arange(clusters), rng.choice(clusters, count - clusters, p=rng.dirichlet(np.full(clusters, 5.0)))))
    points = rng.normal(size=(clusters, 32))[truth] * separation + rng.normal(size=(count, 32)) * rng.uniform(0.3, 0.9, 32)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), truth


def noise(count, seed):
    points = np.random.default_rng(seed).normal(size=(count, 32))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize(("count", "clusters"), [(60, 3), (90, 5), (150, 2), (300, 6), (600, 4)])
def test_well_separated_clusters_are_found_and_counted(count, clusters):
    embeddings, truth = blobs(count, clusters, seed=clusters)
    found = find_clusters(embeddings, 2, 8, 5, 3407)
    assert found.structure_found
    assert found.k == clusters
    assert adjusted_rand_score(truth, found.labels) > 0.95
    assert found.confidences.mean() > 0.9
    assert [score.k for score in found.scores] == list(range(2, 9))


def test_noise_has_no_structure_in_nineteen_draws_of_twenty():
    claimed = sum(find_clusters(noise(60, seed), 2, 4, 2, seed).structure_found for seed in range(20))
    assert claimed <= 1


def test_one_cloud_of_any_shape_has_no_structure_in_nineteen_draws_of_twenty():
    """Ten skewed and ten heavy-tailed ones."""

    def cloud(seed):
        rng = np.random.default_rng(seed)
        values = rng.lognormal(0, 0.8, (60, 16)) if seed % 2 else rng.standard_t(2.5, (60, 16))
        return values * np.linspace(1.0, 0.15, 16) + 4.0 * np.eye(16)[0]

    assert sum(find_clusters(cloud(seed), 2, 4, 2, seed).structure_found for seed in range(20)) <= 1


def test_an_event_far_from_the_center_of_its_cluster_is_an_outlier():
    near, far = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.2]), np.array([1.0, 1.1, 0.9, 1.05, 0.95, 6.0])
    distances, labels = np.concatenate([near, far, [6.5]]), np.repeat([0, 1, 2], [6, 6, 1])
    assert np.flatnonzero(_outliers(distances, labels)).tolist() == [11, 12]


def test_the_k_min_loss_is_stated_beside_the_selected_one():
    found = find_clusters(blobs(90, 4, seed=1)[0], 2, 8, 4, 1)
    losses = {score.k: score.loss for score in found.scores}
    assert found.k_min_loss == min(losses, key=losses.get)
    assert all(np.isfinite([score.gap, score.silhouette_excess, score.loss]).all() for score in found.scores)


def test_a_single_elongated_cloud_has_no_structure():
    """One cloud far from the origin, as events of one kind make it."""
    rng = np.random.default_rng(4)
    cloud = rng.normal(size=(120, 32)) * np.linspace(0.6, 0.1, 32) + 3.0 * np.eye(32)[0]
    assert not find_clusters(cloud, 2, 10, 5, 3407).structure_found


def test_the_order_of_the_upload_changes_nothing():
    embeddings, _ = blobs(70, 4, seed=2, separation=0.6)
    order = np.random.default_rng(1).permutation(70)
    one, other = find_clusters(embeddings, 2, 8, 4, 7), find_clusters(embeddings[order], 2, 8, 4, 7)
    assert one.scores == other.scores
    np.testing.assert_array_equal(one.labels[order], other.labels)
    np.testing.assert_array_equal(one.confidences[order], other.confidences)
    np.testing.assert_array_equal(one.positions[order], other.positions)
    assert one.representatives == tuple(tuple(int(order[index]) for index in cluster) for cluster in other.representatives)


def test_the_same_seed_gives_the_same_answer():
    embeddings, _ = blobs(50, 3, separation=0.5)
    one, other = find_clusters(embeddings, 2, 6, 3, 11), find_clusters(embeddings, 2, 6, 3, 11)
    assert one.scores == other.scores
    np.testing.assert_array_equal(one.labels, other.labels)


def test_clusters_are_numbered_by_size_and_represented_by_events_near_their_center():
    embeddings, _ = blobs(100, 4, seed=9)
    found = find_clusters(embeddings, 2, 8, 5, 1)
    assert list(found.sizes) == sorted(found.sizes, reverse=True)
    assert sum(found.sizes) == 100
    for cluster, members in enumerate(found.representatives):
        assert len(members) == min(REPRESENTATIVES, found.sizes[cluster])
        assert set(found.labels[list(members)]) == {cluster}
        assert found.confidences[members[0]] >= 0.5


def test_the_range_of_k_is_reduced_where_there_are_too_few_events():
    embeddings, _ = blobs(6, 2, seed=3)
    assert [score.k for score in find_clusters(embeddings, 2, 12, 3, 0).scores] == [2, 3, 4, 5]


@pytest.mark.parametrize(("count", "k_min"), [(0, 2), (2, 2), (4, 4)])
def test_too_few_events_are_refused(count, k_min):
    with pytest.raises(TooFewEvents, match=f"different events: {count};"):
        find_clusters(noise(count, 0), k_min, 12, 3, 0)


def test_copies_of_one_event_are_refused():
    with pytest.raises(TooFewEvents, match="different events: 1;"):
        find_clusters(np.repeat(noise(1, 0), 30, axis=0), 2, 5, 3, 0)


def test_copies_of_a_few_events_form_clusters():
    embeddings = np.repeat(noise(4, 1), 10, axis=0)
    found = find_clusters(embeddings, 2, 8, 3, 0)
    assert [score.k for score in found.scores] == [2, 3]
    assert all(len(set(found.labels[start : start + 10])) == 1 for start in range(0, 40, 10))


def test_k_is_selected_on_a_sample_of_more_than_a_thousand_events_and_all_are_assigned():
    embeddings, truth = blobs(1500, 3, seed=5)
    found = find_clusters(embeddings, 2, 4, 2, 0)
    assert len(found.labels) == 1500
    assert adjusted_rand_score(truth, found.labels) > 0.95


@pytest.mark.parametrize(("count", "clusters"), [(5, 2), (40, 7), (150, 12)])
def test_silhouette_and_rand_index_are_those_of_scikit_learn(count, clusters):
    random = np.random.default_rng(count)
    points, one, other = random.normal(size=(count, 8)), random.integers(0, clusters, count), random.integers(0, clusters + 2, count)
    assert silhouette(points, one) == pytest.approx(silhouette_score(points, one), abs=1e-12)
    assert adjusted_rand_index(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


def test_silhouette_and_rand_index_are_defined_at_their_limits():
    points, same = np.random.default_rng(0).normal(size=(6, 2)), np.zeros(6, np.int64)
    assert silhouette(points, same) == silhouette(points, np.arange(6)) == 0.0
    assert adjusted_rand_index(same, same) == adjusted_rand_index(np.arange(6), np.arange(6)) == 1.0
    assert adjusted_rand_index(same, np.arange(6)) == 0.0
