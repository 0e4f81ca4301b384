"""Training on an upload: where it is offered, within its limits, told k by k, and stopped when it shall."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from models.errors import LimitExceeded, TooFewEvents
from workers.contracts import Options
from workers.jobs import fine_tune as job
from workers.problems import FineTuneUnavailable
from workers.settings import Settings


class Canceled(Exception):
    """The client has had enough."""


class Told:
    """Progress that keeps the stages, and stops the work at one of them."""

    def __init__(self, stop_at=None):
        self.stages, self.stop_at = [], stop_at

    def __call__(self, stage, _share):
        """One word."""
        self.stages.append(stage)
        if stage == self.stop_at:
            raise Canceled

    def part(self, _low, _high):
        """Itself: shares are not looked at."""
        return self


def add_events(kept, events):
    """Two kinds of events: dark thumbnails and bright ones, in two heaps of the embedding."""
    random = np.random.default_rng(0)
    kinds = np.arange(events) % 2
    rows = (np.eye(32)[kinds] + 0.05 * random.normal(size=(events, 32))).astype(np.float32)
    pictures = random.integers(0, 60, (events, 3, 32, 32), dtype=np.uint8) + (150 * kinds[:, None, None, None]).astype(np.uint8)
    if events:
        names = np.array([f"event_{k}" for k in range(events)])
        kept.add({"names": names, "troubles": np.array([""] * events), "embeddings": rows, "thumbnails": pictures})


@pytest.fixture
def task(monkeypatch):
    def make(events=24, stop_at=None, **settings):
        monkeypatch.setattr(job, "embed_all", lambda _, kept: add_events(kept, events))
        chosen = Settings(**({"fine_tune_workers": 1, "fine_tune_rounds": 1, "cluster_starts": 2} | settings))
        options = Options(fine_tune=True, k_min=2, k_max=3)
        models = SimpleNamespace(models={"families": SimpleNamespace(version="1")})
        return SimpleNamespace(
            desk=SimpleNamespace(settings=chosen, models=models),
            record=SimpleNamespace(submission=SimpleNamespace(options=options)),
            progress=Told(stop_at),
        )

    return make


def test_a_network_is_trained_for_each_k_and_its_loss_told(task):
    given = task()
    result = job.fine_tune_job(given).result
    assert result.fine_tuned
    assert [row.k for row in result.selection] == [2, 3]
    assert all(row.loss > 0 for row in result.selection)
    assert result.k in {2, 3}
    assert len(result.assignments) == 24
    assert {"deepcluster k=2", "deepcluster k=3"} <= set(given.progress.stages)


def test_it_stops_between_batches_when_canceled(task):
    with pytest.raises(Canceled):
        job.fine_tune_job(task(stop_at="deepcluster k=3"))


def test_without_workers_for_it_nothing_is_trained(task):
    with pytest.raises(FineTuneUnavailable, match="does not train"):
        job.fine_tune_job(task(fine_tune_workers=0))


def test_without_the_training_packages_it_says_so(task, monkeypatch):
    monkeypatch.setitem(sys.modules, "training.learning.fine_tuning", None)
    monkeypatch.delattr("training.learning.fine_tuning", raising=False)
    with pytest.raises(FineTuneUnavailable, match="no training installed"):
        job.fine_tune_job(task())


def test_more_events_than_are_trained_on_are_refused(task):
    with pytest.raises(LimitExceeded, match="24 events; at most 20"):
        job.fine_tune_job(task(max_fine_tune_events=20))


def test_too_few_events_are_refused(task):
    with pytest.raises(TooFewEvents):
        job.fine_tune_job(task(events=2))
