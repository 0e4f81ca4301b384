"""Training on an upload: only where it is offered, within its limits, with progress for each k, and canceled between batches."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from models.errors import LimitExceeded, TooFewEvents
from workers.contracts import Options
from workers.jobs import fine_tune
from workers.jobs.context import JobContext
from workers.problems import FineTuneUnavailable
from workers.settings import Settings


class Canceled(Exception):
    """Cancellation by the client."""


class RecordedProgress:
    """Progress that collects the stages, and raises at one of them."""

    def __init__(self, stop_at=None):
        self.stages, self.stop_at = [], stop_at

    def __call__(self, stage, _fraction):
        """Collect the stage."""
        self.stages.append(stage)
        if stage == self.stop_at:
            raise Canceled

    def section(self, _low, _high):
        """Itself: fractions are ignored."""
        return self


def add_events(kept, events):
    """Add events of two kinds, with dark or bright thumbnails and two clusters of embeddings."""
    random = np.random.default_rng(0)
    kinds = np.arange(events) % 2
    rows = (np.eye(32)[kinds] + 0.05 * random.normal(size=(events, 32))).astype(np.float32)
    pictures = random.integers(0, 60, (events, 3, 32, 32), dtype=np.uint8) + (150 * kinds[:, None, None, None]).astype(np.uint8)
    if events:
        names = np.array([f"event_{k}" for k in range(events)])
        kept.add_batch({"names": names, "errors": np.array([""] * events), "embeddings": rows, "thumbnails": pictures})


@pytest.fixture
def make_job(monkeypatch):
    def make(events=24, stop_at=None, **settings):
        monkeypatch.setattr(fine_tune, "embed_all", lambda _, kept: add_events(kept, events))
        chosen = Settings(**({"fine_tune_workers": 1, "fine_tune_rounds": 1, "cluster_starts": 2} | settings))
        options = Options(fine_tune=True, k_min=2, k_max=3)
        models = SimpleNamespace(models={"families": SimpleNamespace(version="1")})
        return JobContext(
            worker=SimpleNamespace(settings=chosen, models=models),
            record=SimpleNamespace(submission=SimpleNamespace(options=options)),
            progress=RecordedProgress(stop_at),
        )

    return make


def test_a_network_is_trained_for_each_k_and_its_loss_reported(make_job):
    job = make_job()
    result = fine_tune.fine_tune_job(job).result
    assert result.fine_tuned
    assert [row.k for row in result.selection] == [2, 3]
    assert all(row.loss > 0 for row in result.selection)
    assert result.k in {2, 3}
    assert len(result.assignments) == 24
    assert {"deepcluster k=2", "deepcluster k=3"} <= set(job.progress.stages)


def test_training_stops_when_the_job_is_canceled(make_job):
    with pytest.raises(Canceled):
        fine_tune.fine_tune_job(make_job(stop_at="deepcluster k=3"))


def test_without_fine_tune_workers_the_job_is_declined(make_job):
    with pytest.raises(FineTuneUnavailable, match="does not train"):
        fine_tune.fine_tune_job(make_job(fine_tune_workers=0))


def test_without_the_training_dependencies_the_job_is_declined(make_job, monkeypatch):
    monkeypatch.setitem(sys.modules, "training.learning.fine_tuning", None)
    monkeypatch.delattr("training.learning.fine_tuning", raising=False)
    with pytest.raises(FineTuneUnavailable, match="no training dependencies"):
        fine_tune.fine_tune_job(make_job())


def test_more_events_than_the_maximum_are_refused(make_job):
    with pytest.raises(LimitExceeded, match="24 events; fine-tuning takes at most 20"):
        fine_tune.fine_tune_job(make_job(max_fine_tune_events=20))


def test_as_few_events_as_clusters_are_refused(make_job):
    with pytest.raises(TooFewEvents):
        fine_tune.fine_tune_job(make_job(events=2))
