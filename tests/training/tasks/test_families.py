"""Sources are turned as the Earth would be, pseudo-labels are learned, views are brought together, and the page tells it."""

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
from training.evaluation.cluster_metrics import RULES, ClusteringScore, count_by_mixture, draw_mixture, score_mixture
from training.experiments.families import vicreg
from training.experiments.families.benchmark import (
    LOOKED,
    Report,
    count_claims_in_noise,
    read_manual_part,
)
from training.experiments.families.methods import spectra
from training.experiments.families.page import page_of
from training.experiments.families.supervised_ceiling import Ceiling, ceiling
from training.experiments.families.vicreg import ContrastiveRecipe, vicreg_loss
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
VIEWS = ContrastiveRecipe(
    architecture="resnet18",
    width=0.0625,
    clusters=CENTERS,
    expander=32,
    epochs=3,
    batch=16,
    learning_rate=3e-3,
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
    seen = network.signal(torch.from_numpy(picture))
    brighter = network.signal(torch.from_numpy(picture + np.uint8(50)))
    assert seen.shape == (2, 2, 160, 160)
    torch.testing.assert_close(seen[..., 1:-1, 1:-1], brighter[..., 1:-1, 1:-1], atol=1e-6, rtol=0)


def test_views_that_agree_lose_less_and_a_collapsed_one_most():
    random = torch.Generator().manual_seed(0)
    one, other = torch.randn(64, 8, generator=random), torch.randn(64, 8, generator=random)
    alike, apart, collapsed = vicreg_loss(one, one), vicreg_loss(one, other), vicreg_loss(one * 0, other * 0)
    assert alike < collapsed < apart


def test_training_on_views_goes_on_where_it_stopped(tmp_path):
    pictures, _ = bright_or_dark(32, 1)
    views = np.stack([pictures, np.roll(pictures, 2, axis=3)], axis=1)
    losses = vicreg.train_vicreg(small_reader(), views, VIEWS, tmp_path)
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    assert vicreg.train_vicreg(small_reader(), views, VIEWS, tmp_path) == losses


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


def test_spectral_features_tell_period_and_length():
    pictures = np.zeros((2, 2, 24, 32), np.uint8)
    pictures[0, 0, 3, 10:20] = 200
    pictures[1, 0, 3, 10] = 200
    long, short = spectra(pictures)
    assert long[:24].argmax() == short[:24].argmax() == 3
    assert long[24 + 3] > short[24 + 3] > 0


def test_mixtures_hold_two_to_eight_kinds_and_no_event_twice():
    plan, kinds = load_recipe("families", FamiliesPlan).benchmark, np.repeat(np.arange(len(KINDS)), 30)
    counts = []
    for seed in range(20):
        mixture = draw_mixture(kinds, plan, np.random.default_rng(seed))
        assert len(np.unique(mixture.rows)) == len(mixture.rows) >= 10
        counts.append(len(np.unique(mixture.kinds)))
    assert min(counts) >= 2
    assert max(counts) == 8


def test_a_perfect_embedding_scores_one_and_the_page_says_so():
    plan, kinds = load_recipe("families", FamiliesPlan).benchmark, np.repeat(np.arange(len(KINDS)), 12)
    random = np.random.default_rng(0)
    embedding = (np.eye(32)[kinds] + 0.05 * random.normal(size=(len(kinds), 32))).astype(np.float32)
    perfect = score_mixture(embedding, draw_mixture(kinds, plan, np.random.default_rng(5)), plan)
    assert perfect.ari == pytest.approx(1.0)
    assert perfect.structure_found
    limit = Ceiling("the source picture", (0.61, 0.58, 0.64), (0.33, 0.3, 0.36), 480)
    blind = ClusteringScore(0.0, 0.0, 0.0, 0.0, 2, 5, False, (2,) * len(RULES))
    page = page_of(Report({"ours": [perfect], "ceiling": [blind]}, {"ours": 0}, {"ours": 1}, np.eye(len(KINDS)), [limit], 96, 1))
    assert "| ours | 1.00 (1.00 to 1.00) |" in page
    assert ("reached by: ours." in page) == (perfect.k == perfect.true_k)
    assert "| the source picture | 0.61 (0.58 to 0.64) | 0.33 (0.30 to 0.36) | 480 |" in page
    assert all(rule in page for rule in RULES)
    assert len(perfect.k_by_rule) == len(RULES)
    assert "| ours | 0 of 1 | 1 of 1 |" in page


def test_a_mixture_of_clouds_is_counted_and_nothing_is_claimed_in_noise():
    plan, random = load_recipe("families", FamiliesPlan).benchmark, np.random.default_rng(0)
    apart = np.eye(32)[np.repeat([0, 1, 2], 60)] + 0.1 * random.normal(size=(180, 32))
    assert count_by_mixture(apart.astype(np.float32), plan) == 3
    assert count_claims_in_noise(random.normal(size=(100, 32)).astype(np.float32), plan.model_copy(update={"draws": 4})) == 0
    assert count_claims_in_noise(apart[:, :8].astype(np.float32), plan.model_copy(update={"draws": 2})) == 2


def test_kinds_that_show_are_named_and_twins_are_not_learned_from():
    random, kinds = np.random.default_rng(0), np.repeat(np.arange(4), 20)
    told = ceiling("told", np.eye(4)[kinds] + 0.1 * random.normal(size=(80, 4)), kinds, np.arange(80), 1)
    assert told.right[0] == told.ari[0] == 1.0
    twins, sources = np.repeat(random.normal(size=(40, 4)), 2, axis=0), np.repeat(np.arange(40), 2)
    untold = ceiling("untold", twins, random.permutation(np.repeat(np.arange(4), 10)).repeat(2), sources, 1)
    assert untold.right[1] < 0.5
    assert untold.right[1] <= untold.right[0] <= untold.right[2]


def test_words_written_by_hand_stay_on_the_page(tmp_path):
    page = tmp_path / "families.md"
    assert read_manual_part(page) == ""
    page.write_text("# Numbers\n")
    assert read_manual_part(page) == ""
    page.write_text(f"# Numbers\n{LOOKED}\nWords.\n")
    assert read_manual_part(page) == f"{LOOKED}\nWords.\n"
