"""Distances as served hold 68 % of the true ones inside one sigma after calibration."""

import numpy as np

from models.analysis.distances import CALIBRATION_KEY, predict_distances
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.offset import OFFSET
from tests.support.toy_models import write_artifacts
from training.datasets.traces import TraceRecipe, draw_gathers
from training.experiments.release_gate import reading_calibration

RECIPE = TraceRecipe(
    store="greens_50s",
    events_per_shard=5,
    traces_per_event=4,
    near_share=0.0,
    small_share=0.5,
    largest_magnitude=8.6,
    left_edges={"start": 1.0, "before": 0.0, "arrival": 0.0, "anywhere": 0.0},
    crusts=False,
    lateral_share=0.0,
    kinds={"earthquake": 1.0},
    seed=1,
)


def test_about_two_thirds_of_the_errors_are_inside_the_calibrated_uncertainty(settings, tmp_path, monkeypatch):
    own = settings.model_copy(update={"artifacts_dir": write_artifacts(tmp_path)})
    monkeypatch.setattr(reading_calibration, "load_recipe", lambda *_: RECIPE)
    reading_calibration.calibrate_readings(own, 5)
    model = OnnxModel.load(open_store(own.artifacts_dir), OFFSET)
    assert model.card.calibration[CALIBRATION_KEY]["distance"] > 1.0
    inside = []
    for _, event, gather, _ in draw_gathers(RECIPE, own, reading_calibration.CALIBRATION_SHARD):
        readings = predict_distances(model, gather)
        inside += list(np.abs(readings.distances_deg - event.stations.distances_deg) <= readings.uncertainties_deg)
    assert 0.55 < np.mean(inside) < 0.8
