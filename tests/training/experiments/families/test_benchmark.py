"""A perfect embedding has perfect scores, noise has no structure, and the page says both."""

import numpy as np
import pytest

from training.config import load_recipe
from training.datasets.source_pairs import KINDS
from training.evaluation.cluster_metrics import draw_mixture, score_mixture
from training.experiments.families.benchmark import BenchmarkReport, count_claims_in_noise
from training.experiments.families.page import NO_REAL_EVENTS, write_report
from training.experiments.families.scores import RULES, ClusteringScore, count_by_mixture, score_method
from training.experiments.families.supervised_ceiling import Ceiling
from training.tasks.families import FamiliesPlan

pytestmark = pytest.mark.slow


def test_a_perfect_embedding_scores_one_and_the_page_says_so(tmp_path):
    plan, kinds = load_recipe("families", FamiliesPlan).benchmark, np.repeat(np.arange(len(KINDS)), 12)
    random = np.random.default_rng(0)
    embedding = (np.eye(32)[kinds] + 0.05 * random.normal(size=(len(kinds), 32))).astype(np.float32)
    mixture = draw_mixture(kinds, plan, np.random.default_rng(5))
    perfect = score_method(embedding, mixture, plan)
    assert score_mixture(embedding, mixture, plan) == (perfect.ari, perfect.ari_true_k, float(perfect.k == perfect.true_k))
    assert perfect.ari == pytest.approx(1.0)
    assert perfect.structure_found
    assert len(perfect.k_by_rule) == len(RULES)
    limit = Ceiling("the source picture", (0.61, 0.58, 0.64), (0.33, 0.3, 0.36), 480)
    blind = ClusteringScore(0.0, 0.0, 0.0, 0.0, 2, 5, False, (2,) * len(RULES))
    scores = {"shipped": [perfect], "supervised": [blind]}
    report = BenchmarkReport(scores, {"shipped": 0}, {"shipped": 1}, np.eye(len(KINDS)), [limit], 96, 1)
    page = write_report(tmp_path / "families.md", "python -m training experiment families", report, NO_REAL_EVENTS).read_text()
    assert "| shipped | 1.00 (1.00 to 1.00) |" in page
    assert ("is reached by: shipped." in page) == (perfect.k == perfect.true_k)
    assert "| the source picture | 0.61 (0.58 to 0.64) | 0.33 (0.30 to 0.36) | 480 |" in page
    assert all(rule in page for rule in RULES)
    assert "| shipped | 0 of 1 | 1 of 1 |" in page


def test_a_mixture_of_clouds_is_counted_and_nothing_is_claimed_in_noise():
    plan, random = load_recipe("families", FamiliesPlan).benchmark, np.random.default_rng(0)
    apart = np.eye(32)[np.repeat([0, 1, 2], 60)] + 0.1 * random.normal(size=(180, 32))
    assert count_by_mixture(apart.astype(np.float32), plan) == 3
    assert count_claims_in_noise(random.normal(size=(100, 32)).astype(np.float32), plan.model_copy(update={"draws": 4})) == 0
    assert count_claims_in_noise(apart[:, :8].astype(np.float32), plan.model_copy(update={"draws": 2})) == 2
