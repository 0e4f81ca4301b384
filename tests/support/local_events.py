"""A local network that records an event well, and an offset model that takes it for a far one."""

import numpy as np

from models.analysis.distances import DistanceReadings
from models.imaging.conditioning import condition
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import destination, distance_deg
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from models.specs.pictures import CONDITIONING

SOURCE = (38.0, 27.0)
ORIGIN_S = 1.6e9
RATE_HZ = 5.0


def growing(rng, arrivals_s, seconds=360.0):
    """Noise that grows at each arrival and fades after it; the record begins a minute before the origin."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ - 60.0
    level = np.ones(len(times))
    for arrival_s, height in arrivals_s:
        after = times - arrival_s
        level += np.where(after >= 0.0, height * np.exp(-np.maximum(after, 0.0) / 15.0), 0.0)
    return (rng.normal(size=len(times)) * level).astype(np.float32)


def local_event(count, second=None, seconds=360.0):
    """
    Records of a network around an event, conditioned, and what a network that takes it for a far one says of them.

    `second`: epicenter, origin time after the first one's, and amplitude relative to it of another event in the same records.
    """
    rng = np.random.default_rng(7)
    latitudes, longitudes = destination(38.4, 26.5, rng.uniform(0.0, 360.0, count), rng.uniform(0.3, 3.0, count))
    records = []
    for number, place in enumerate(zip(latitudes.tolist(), longitudes.tolist(), strict=True)):
        epicentral_deg = distance_deg(*SOURCE, *place)
        onsets = [(float(travel_time_s("P", epicentral_deg, 10.0)), 15.0), (float(travel_time_s("S", epicentral_deg, 10.0)), 40.0)]
        if second is not None:
            epicenter, late_s, ratio = second
            epicentral_deg = distance_deg(*epicenter, *place)
            times = [late_s + float(travel_time_s(phase, epicentral_deg, 10.0)) for phase in ("P", "S")]
            onsets += [(times[0], ratio * 15.0), (times[1], ratio * 40.0)]
        records.append(Record(TraceId("XX", f"S{number}", "", "BHZ"), ORIGIN_S - 60.0, RATE_HZ, growing(rng, onsets, seconds), *place))
    readings = DistanceReadings(
        trace_ids=tuple(record.trace_id for record in records),
        distances_deg=rng.uniform(60.0, 90.0, count),
        uncertainties_deg=np.full(count, 8.0),
        probabilities=np.full((count, 180), 1.0 / 180.0),
        origin_times_s=ORIGIN_S + rng.normal(-300.0, 60.0, count),
        origin_uncertainties_s=np.full(count, 120.0),
        window_start_s=ORIGIN_S - 60.0,
        live=np.ones(count, np.bool_),
    )
    return records, condition(records, CONDITIONING), readings
