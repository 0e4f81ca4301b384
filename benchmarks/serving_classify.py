"""What a worker does with a bundle to classify, in this process: the functions of the service, nothing else."""

from collections.abc import Mapping

import numpy as np

from models.analysis.offsets import read_offsets
from models.analysis.sections import draw_section, find_reference
from models.catalog.event_type import CLASSES, EVENT_TYPE
from models.catalog.offset import OFFSET
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from workers.loaded import load_models
from workers.reader import read_event, warm_up
from workers.settings import Settings


class Serving:
    """Models held open and the renderer warm, as in a worker that waits for its next job."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: Mapping[str, OnnxModel] = load_models(settings).models
        warm_up()

    def classify(self, waveforms: bytes, stations: bytes) -> str:
        """The class of the event: read in a child, conditioned, distances read, located, section drawn, classified."""
        event = read_event([("waveforms.mseed", waveforms), ("stations.csv", stations)], self._settings)
        gather = condition(event.records, OFFSET.style.conditioning)
        readings = read_offsets(self._models["offset"], gather)
        picture = draw_section(EVENT_TYPE.style, gather, readings, find_reference(gather, readings))
        return CLASSES[int(np.argmax(self._models["event_type"].run(picture[None])["probabilities"]))]
