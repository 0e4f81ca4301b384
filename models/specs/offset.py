"""The offset model: predict epicentral distance and origin time from one trace. "Offset" is the paper's word for epicentral distance."""

from models.specs.pictures import TRACE_FREQUENCY
from models.specs.spec import ModelSpec, Output

BIN_DEG = 1.0
BINS = 180

OFFSET = ModelSpec(
    name="offset",
    task="Read epicentral distance and origin time off the picture of one trace.",
    style=TRACE_FREQUENCY,
    architecture="alexnet",
    outputs=(
        Output(name="distance_deg", shape=(), unit="degree", meaning="median of the predicted distribution of distance"),
        Output(name="distance_uncertainty_deg", shape=(), unit="degree", meaning="half width of its central 68 % interval, recalibrated"),
        Output(name="distance_probabilities", shape=(BINS,), unit="1", meaning="probability of each bin of one degree, from 0 to 180"),
        Output(name="origin_lag_s", shape=(), unit="second", meaning="origin time after the picture's left edge"),
        Output(name="origin_lag_uncertainty_s", shape=(), unit="second", meaning="one standard deviation of origin_lag_s"),
    ),
    citation="Cheng & Zhang; Krizhevsky et al. 2012, doi:10.1145/3065386; picture after Dziewonski et al. 1969, BSSA 59, 427-444",
)
