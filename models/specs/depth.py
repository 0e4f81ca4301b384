"""The depth model: predict the depth of an earthquake."""

from models.specs.pictures import DISTANCE_SECTION
from models.specs.spec import ModelSpec, Output

DEPTH = ModelSpec(
    name="depth",
    task="Read the depth of an earthquake off its record section at the located epicenter.",
    style=DISTANCE_SECTION,
    architecture="resnet50",
    outputs=(
        Output(name="depth_km", shape=(), unit="kilometer", meaning="depth below the surface"),
        Output(name="depth_uncertainty_km", shape=(), unit="kilometer", meaning="one standard deviation, recalibrated"),
    ),
    citation="Cheng & Zhang, Seismic Atlas Analysis Based on Computer Vision Method",
)
