"""The served models answer the shipped bundles as the truth beside them says."""

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

from app.demo.__main__ import BUNDLES
from app.demo.truth import judge_families, judge_location, read_truth
from models.analysis.pipeline import embed_event
from models.clustering.clusters import find_clusters
from models.imaging.conditioning import condition
from models.specs.pictures import CONDITIONING
from workers.bundles.parse import parse_bundle
from workers.bundles.sandbox import read_limits
from workers.contracts import Options
from workers.jobs import cluster, locate
from workers.jobs.loaded_models import load_models
from workers.results import ModelVersion
from workers.settings import Settings


@pytest.fixture(scope="module")
def served():
    """Load the shipped models as a worker does."""
    return load_models(Settings(artifacts_dir=Path("models/artifacts"), threads=1))


def read_bundle(name, *, grouped=False):
    """Read the events of a shipped bundle, by name of the event, as a worker does."""
    events = parse_bundle([(f"{name}.zip", BUNDLES / f"{name}.zip")], read_limits(Settings()), grouped, MagicMock())
    return {event.name: event.records for event in events}


def make_job(models):
    """Make a job without a queue: no options, no progress."""
    progress = MagicMock()
    return SimpleNamespace(
        progress=progress,
        trial_epicenter=lambda: None,
        model_version=lambda name: ModelVersion(name=name, version="1"),
        record=SimpleNamespace(submission=SimpleNamespace(options=Options())),
        worker=SimpleNamespace(models=models, settings=Settings()),
    )


@pytest.mark.parametrize("bundle", ["earthquake", "glacial", "noise"])
def test_class_and_epicenter_of_a_shipped_bundle_are_right(served, monkeypatch, bundle):
    (records,) = read_bundle(bundle).values()
    gather, truth = condition(records, CONDITIONING), read_truth(BUNDLES)[bundle]
    monkeypatch.setattr(locate, "read_one_event", MagicMock(return_value=(records, gather, [])))
    monkeypatch.setattr(locate, "locate_products", MagicMock(return_value={}))
    monkeypatch.setattr(locate, "figures", MagicMock())
    result = locate.locate_job(make_job(served)).result.model_dump(mode="json")
    verdict = judge_location(result, truth)
    assert verdict.right, (verdict.truth, result["event_type"], result["epicenter"])


def test_families_of_the_shipped_anomalies_are_right(served):
    events = read_bundle("anomalies", grouped=True)
    embeddings = np.stack([embed_event(served.models, condition(records, CONDITIONING))[0] for records in events.values()])
    options = Options()
    clustering = find_clusters(embeddings, options.k_min, options.k_max, Settings().cluster_starts, options.seed)
    result = cluster._to_result(make_job(served), list(events), clustering, fine_tuned=False).model_dump(mode="json")
    verdict = judge_families(result, read_truth(BUNDLES)["anomalies"])
    assert verdict.right, (verdict.truth, result["k"])
