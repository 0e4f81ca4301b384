"""The force-azimuth model: predict the azimuth of the single force of a glacial earthquake."""

from models.specs.pictures import FORCE_BEAM
from models.specs.spec import ModelSpec, Output

FORCE_AZIMUTH = ModelSpec(
    name="force_azimuth",
    task="Read the azimuth of a glacial earthquake's force off the beams of trial forces at the located epicenter.",
    style=FORCE_BEAM,
    architecture="resnet50",
    outputs=(
        Output(name="force_azimuth_deg", shape=(), unit="degree", meaning="clockwise from north, the likelier of two directions"),
        Output(name="force_azimuth_uncertainty_deg", shape=(), unit="degree", meaning="one standard deviation of the azimuth modulo 180"),
        Output(name="sign_probability", shape=(), unit="1", meaning="probability of this direction against the opposite one, 0.5 to 1"),
    ),
    citation="Cheng & Zhang; ambiguity of 180 degrees after Tsai & Ekstrom 2007, doi:10.1029/2006JF000596",
)
