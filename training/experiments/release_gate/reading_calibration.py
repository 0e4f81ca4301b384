"""
Calibration of distances as they are served: averaged over earlier starts, on synthetic events that no training has drawn.

The factor on an uncertainty is the one with which 68.27 % of the absolute errors are within it, as for single pictures
(`training.learning.calibration`).
"""

from pathlib import Path

import numpy as np

from models.analysis.distances import CALIBRATION_KEY, RecordsTooShort, predict_distances
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.offset import OFFSET
from training.config import TrainingSettings, load_recipe
from training.datasets.traces import TraceRecipe, draw_gathers
from training.evaluation.card_writer import update_card
from training.learning.calibration import MIN_SIGMA, ONE_SIGMA_PERCENT
from training.synthesis.records import ORIGIN_S

CALIBRATION_SHARD = 1_000_000
"""Number of the first shard: beyond all that are trained on."""


def calibrate_readings(settings: TrainingSettings, most: int | None) -> Path:
    """Fit the factors on both uncertainties on `most` events (300) of the recipe `traces`; put them into the card and return its path."""
    update_card(settings.artifacts_dir, OFFSET.name, calibration={CALIBRATION_KEY: {"distance": 1.0, "origin_time": 1.0}})
    model = OnnxModel.load(open_store(settings.artifacts_dir), OFFSET)
    recipe = load_recipe("traces", TraceRecipe).model_copy(update={"events_per_shard": most or 300})
    ratios = []
    for _, event, gather, _ in draw_gathers(recipe, settings, CALIBRATION_SHARD):
        try:
            readings = predict_distances(model, gather)
        except RecordsTooShort:
            continue
        errors = np.abs([readings.distances_deg - event.stations.distances_deg, readings.origin_times_s - ORIGIN_S])
        ratios.append(errors / np.maximum([readings.uncertainties_deg, readings.origin_uncertainties_s], MIN_SIGMA))
    distance, origin_time = np.nanpercentile(np.concatenate(ratios, axis=1), ONE_SIGMA_PERCENT, axis=1)
    factors = {"distance": round(float(distance), 4), "origin_time": round(float(origin_time), 4), "events": len(ratios)}
    return update_card(settings.artifacts_dir, OFFSET.name, calibration={CALIBRATION_KEY: factors})
