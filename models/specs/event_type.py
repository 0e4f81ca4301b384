"""The event-type model: classify an event as tectonic or glacial earthquake; and the classes that the service answers with."""

from typing import Final, Literal

from models.specs.pictures import DISTANCE_SECTION
from models.specs.spec import ModelSpec, Output

EventType = Literal["earthquake", "glacial"]
"""Classes of the network."""
CLASSES: Final[tuple[EventType, ...]] = ("earthquake", "glacial")
"""In the order of the network's outputs."""
EventClass = Literal["earthquake", "glacial", "other"]
"""Classes of an answer: `other` is an event that is neither a tectonic nor a glacial earthquake."""
EVENT_CLASSES: Final[tuple[EventClass, ...]] = ("earthquake", "glacial", "other")
"""In the order of the served probabilities."""
ClassAnswer = Literal["earthquake", "glacial", "other", "undetermined"]
"""What an event is called: its class, or `undetermined` where no class is probable enough."""

EVENT_TYPE = ModelSpec(
    name="event_type",
    task="Classify an event as tectonic or glacial earthquake from its record section at predicted distances.",
    style=DISTANCE_SECTION,
    architecture="resnet50",
    outputs=(
        Output(name="probabilities", shape=(2,), unit="1", meaning="calibrated probability of earthquake, glacial"),
        Output(
            name="novelty",
            shape=(),
            unit="1",
            meaning="how far from both classes, by the last layer and by what was learned of other kinds; 97 % of theirs stay below 1",
        ),
    ),
    citation="Cheng & Zhang, Seismic Atlas Analysis Based on Computer Vision Method; He et al. 2016, doi:10.1109/CVPR.2016.90",
)
