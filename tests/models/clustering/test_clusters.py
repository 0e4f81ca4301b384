"""Families that are there are found, ones that are not are not."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from models.clustering.clusters import REPRESENTATIVES, _outliers, find_clusters
from models.errors import TooFewEvents


def blobs(count, families, seed=0, apart=1.0):
    """Embeddings [count, 32] around random centers, of unequal widths and sizes, and their true families."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate((np.arange(families), rng.choice(families, count - families, p=rng.dirichlet(np.full(families, 5.0)))))
    points = rng.normal(size=(families, 32))[truth] * apart + rng.normal(size=(count, 32)) * rng.uniform(0.3, 0.9, 32)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), truth


def noise(count, seed):
    points = np.random.default_rng(seed).normal(size=(count, 32))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize(("count", "families"), [(60, 3), (90, 5), (150, 2), (300, 6), (600, 4)])
def test_well_parted_families_are_found_and_counted(count, families):
    embeddings, truth = blobs(count, families, seed=families)
    found = find_clusters(embeddings, 2, 12, 10, 3407)
    assert found.structure_found
    assert found.k == families
    assert adjusted_rand_score(truth, found.labels) > 0.95
    assert found.confidences.mean() > 0.9
    assert [choice.k for choice in found.selection] == list(range(2, 13))


def test_noise_has_no_structure_in_nineteen_draws_of_twenty():
    claimed = sum(find_clusters(noise(60, seed), 2, 6, 2, seed).structure_found for seed in range(20))
    assert claimed <= 1


@pytest.mark.parametrize("shape", ["skewed", "heavy-tailed"])
def test_one_kind_of_any_shape_has_no_structure_in_nineteen_draws_of_twenty(shape):
    def cloud(seed):
        rng = np.random.default_rng(seed)
        values = rng.lognormal(0, 0.8, (60, 16)) if shape == "skewed" else rng.standard_t(2.5, (60, 16))
        return values * np.linspace(1.0, 0.15, 16) + 4.0 * np.eye(16)[0]

    assert sum(find_clusters(cloud(seed), 2, 5, 2, seed).structure_found for seed in range(20)) <= 1


def test_an_event_far_from_the_middle_of_its_family_is_an_outlier():
    near, far = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.2]), np.array([1.0, 1.1, 0.9, 1.05, 0.95, 6.0])
    distances, labels = np.concatenate([near, far, [6.5]]), np.repeat([0, 1, 2], [6, 6, 1])
    assert np.flatnonzero(_outliers(distances, labels)).tolist() == [11, 12]


def test_the_rule_of_the_smallest_loss_is_told_beside_ours():
    found = find_clusters(blobs(90, 4, seed=1)[0], 2, 8, 4, 1)
    losses = {choice.k: choice.loss for choice in found.selection}
    assert found.k_of_smallest_loss == min(losses, key=losses.get)
    assert all(np.isfinite([choice.gap, choice.excess, choice.loss]).all() for choice in found.selection)


def test_one_kind_only_has_no_structure():
    """One cloud far from the origin, longish, as events of one kind make it."""
    rng = np.random.default_rng(4)
    cloud = rng.normal(size=(120, 32)) * np.linspace(0.6, 0.1, 32) + 3.0 * np.eye(32)[0]
    assert not find_clusters(cloud, 2, 10, 5, 3407).structure_found


def test_the_order_of_the_upload_changes_nothing():
    embeddings, _ = blobs(70, 4, seed=2, apart=0.6)
    order = np.random.default_rng(1).permutation(70)
    one, other = find_clusters(embeddings, 2, 8, 4, 7), find_clusters(embeddings[order], 2, 8, 4, 7)
    assert one.selection == other.selection
    np.testing.assert_array_equal(one.labels[order], other.labels)
    np.testing.assert_array_equal(one.confidences[order], other.confidences)
    np.testing.assert_array_equal(one.positions[order], other.positions)
    assert one.representatives == tuple(tuple(int(order[row]) for row in family) for family in other.representatives)


def test_the_same_seed_gives_the_same_answer():
    embeddings, _ = blobs(50, 3, apart=0.5)
    one, other = find_clusters(embeddings, 2, 6, 3, 11), find_clusters(embeddings, 2, 6, 3, 11)
    assert one.selection == other.selection
    np.testing.assert_array_equal(one.labels, other.labels)


def test_families_are_numbered_by_size_and_represented_from_their_middle():
    embeddings, _ = blobs(100, 4, seed=9)
    found = find_clusters(embeddings, 2, 8, 5, 1)
    assert list(found.sizes) == sorted(found.sizes, reverse=True)
    assert sum(found.sizes) == 100
    for family, members in enumerate(found.representatives):
        assert len(members) == min(REPRESENTATIVES, found.sizes[family])
        assert set(found.labels[list(members)]) == {family}
        assert found.confidences[members[0]] >= 0.5


def test_the_range_is_cut_where_there_are_too_few_events():
    embeddings, _ = blobs(6, 2, seed=3)
    assert [choice.k for choice in find_clusters(embeddings, 2, 12, 3, 0).selection] == [2, 3, 4, 5]


@pytest.mark.parametrize(("count", "k_min"), [(0, 2), (2, 2), (4, 4)])
def test_too_few_events_are_refused(count, k_min):
    with pytest.raises(TooFewEvents, match=f"different events: {count};"):
        find_clusters(noise(count, 0), k_min, 12, 3, 0)


def test_copies_of_one_event_are_no_families():
    with pytest.raises(TooFewEvents, match="different events: 1;"):
        find_clusters(np.repeat(noise(1, 0), 30, axis=0), 2, 5, 3, 0)


def test_copies_of_a_few_events_are_told_apart():
    embeddings = np.repeat(noise(4, 1), 10, axis=0)
    found = find_clusters(embeddings, 2, 8, 3, 0)
    assert [choice.k for choice in found.selection] == [2, 3]
    assert all(len(set(found.labels[start : start + 10])) == 1 for start in range(0, 40, 10))


def test_a_thousand_events_and_more_are_sampled_for_k_and_all_assigned():
    embeddings, truth = blobs(1500, 3, seed=5)
    found = find_clusters(embeddings, 2, 4, 2, 0)
    assert len(found.labels) == 1500
    assert adjusted_rand_score(truth, found.labels) > 0.95
