"""Records of 100 seconds about P at a network, too short for the networks that read pictures."""

import numpy as np

from models.imaging.conditioning import condition
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import destination, distance_deg
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from models.specs.pictures import CONDITIONING

SOURCE = (-17.0, 70.0)
ORIGIN_S = 1.6e9
RATE_HZ = 4.0
BEFORE_S, LENGTH_S = 30.0, 100.0


def cut_about_p(ratio, count=14):
    """Make records and their gather: white noise that grows `ratio` times stronger at P of a source 30 to 80 degrees away, all around."""
    rng = np.random.default_rng(5)
    latitudes, longitudes = destination(*SOURCE, np.linspace(0.0, 340.0, count), rng.uniform(30.0, 80.0, count))
    after = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ - BEFORE_S
    growth = np.where(after >= 0.0, 1.0 + (ratio - 1.0) * np.exp(-np.maximum(after, 0.0) / 20.0), 1.0)
    records = []
    for number, point in enumerate(zip(latitudes.tolist(), longitudes.tolist(), strict=True)):
        arrival_s = ORIGIN_S + float(travel_time_s("P", distance_deg(*SOURCE, *point), 10.0))
        samples = (rng.normal(size=len(after)) * growth).astype(np.float32)
        records.append(Record(TraceId("XX", f"P{number}", "", "BHZ"), arrival_s - BEFORE_S, RATE_HZ, samples, *point))
    return tuple(records), condition(records, CONDITIONING)
