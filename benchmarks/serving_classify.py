"""What a worker does with a bundle to classify, in this process: the functions of the service, nothing else."""

from models.analysis.combine import combine_origin_times
from models.analysis.pipeline import Classification, classify_event
from models.imaging.conditioning import condition
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING
from models.warm_up import warm_up
from workers.bundles.sandbox import parse_event_in_sandbox, start_sandbox_server
from workers.jobs import figures
from workers.jobs.loaded_models import load_models
from workers.settings import Settings


class Serving:
    """Models held open and the renderer warm, as in a worker that waits for its next job."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._models = settings, load_models(settings).models
        warm_up()
        start_sandbox_server()

    def classify(self, waveforms: bytes, stations: bytes) -> str:
        """The class of the event: read in a child, conditioned, distances read, located, section drawn, classified."""
        return self._classified(waveforms, stations)[1].event_type

    def classify_and_draw(self, waveforms: bytes, stations: bytes) -> bytes:
        """The same, and the figure for people that a job leaves."""
        gather, found = self._classified(waveforms, stations)
        origin_s = combine_origin_times(found.readings).time_s
        return figures.draw_section(gather, found.readings, found.reference, origin_s, found.event_type)

    def _classified(self, waveforms: bytes, stations: bytes) -> tuple[Gather, Classification]:
        event = parse_event_in_sandbox([("waveforms.mseed", waveforms), ("stations.csv", stations)], self._settings)
        gather = condition(event.records, CONDITIONING)
        return gather, classify_event(self._models, gather, records=event.records)
