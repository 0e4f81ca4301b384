"""A location with its record section, as the page shows it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np

from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import destination
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from workers.contracts import DataWarning
from workers.exports.figure_data import SectionTraces, write_section_data
from workers.exports.tables import locate_products
from workers.results import ArrivalEstimate, DistanceEstimate, Ellipse, Epicenter, LocateResult

ORIGIN = datetime(2020, 10, 30, 11, 51, 26, tzinfo=UTC)
EPICENTER = (37.9, 26.8)
DISTANCES = np.array([5.0, 21.0, 44.0, 63.0, 88.0])
AZIMUTHS = np.array([10.0, 80.0, 160.0, 230.0, 300.0])
TRACES = tuple(TraceId("XX", f"S{number}", "00", "LHZ") for number in range(5))
NONE: dict[str, None] = dict.fromkeys(
    ("origin_time", "origin_time_uncertainty_s", "depth_km", "depth_uncertainty_km", "force_azimuth_deg", "force_azimuth_uncertainty_deg")
)


def make_arrivals() -> list[ArrivalEstimate]:
    """Make arrivals of P at five stations, each 0.8 s late."""
    times_s = travel_time_s("P", DISTANCES, 10.0).tolist()
    return [
        ArrivalEstimate(
            trace=str(trace),
            phase="P",
            time=ORIGIN + timedelta(seconds=time_s + 0.8),
            residual_s=0.8,
            uncertainty_s=1.5,
            pick_uncertainty_s=0.7,
            distance_deg=distance,
            azimuth_deg=azimuth,
        )
        for trace, time_s, distance, azimuth in zip(TRACES, times_s, DISTANCES.tolist(), AZIMUTHS.tolist(), strict=True)
    ]


def make_location(**changes: object) -> LocateResult:
    """Make the location of an earthquake by five stations, of which the most distant is not used; `changes` replace fields."""
    ellipse = Ellipse(semi_major_km=40.0, semi_minor_km=22.0, azimuth_deg=70.0, confidence_level=68.0)
    epicenter = Epicenter(latitude=EPICENTER[0], longitude=EPICENTER[1], horizontal_uncertainty_km=30.0, ellipse=ellipse)
    offsets = [
        DistanceEstimate(
            trace=str(trace),
            distance_deg=distance + 0.4,
            distance_uncertainty_deg=1.0,
            epicentral_distance_deg=distance,
            epicentral_distance_uncertainty_deg=0.2,
            residual_deg=-0.4,
            azimuth_deg=azimuth,
            back_azimuth_deg=(azimuth + 185.0) % 360.0,
            back_azimuth_uncertainty_deg=9.0,
            used=distance < 80.0,
        )
        for trace, distance, azimuth in zip(TRACES, DISTANCES.tolist(), AZIMUTHS.tolist(), strict=True)
    ]
    fields = {
        "event_type": "earthquake",
        "probabilities": {"earthquake": 0.93, "glacial": 0.01, "other": 0.06},
        "epicenter": epicenter,
        "alternatives": [epicenter.model_copy(update={"latitude": 20.0})],
        "origin_time": ORIGIN,
        "origin_time_uncertainty_s": 2.0,
        "depth_km": 14.0,
        "depth_uncertainty_km": 6.0,
        "depth_interval_90_km": [4.0, 118.0],
        **dict.fromkeys(("force_azimuth_deg", "force_azimuth_uncertainty_deg", "force_azimuth_ambiguous")),
        "offsets": offsets,
        "azimuthal_gap_deg": 80.0,
        "method": "distances+arrival-times",
        "arrivals": make_arrivals(),
        "models": [],
        "detection": {"detected": True, "statistic": 12.0, "false_alarm_probability": 1e-6},
    }
    return LocateResult.model_validate(fields | changes)


def make_section() -> bytes:
    """Make the data of its record section, with random walks as waveforms."""
    samples = np.cumsum(np.random.default_rng(3).standard_normal((5, 2400)), axis=1).astype(np.float32)
    latitudes, longitudes = destination(*EPICENTER, AZIMUTHS, DISTANCES)
    gather = Gather(TRACES, ORIGIN.timestamp() - 120.0, 1.0, samples, latitudes, longitudes)
    traces = SectionTraces(gather, DISTANCES, AZIMUTHS, (), "Epicentral distance")
    return write_section_data(traces, np.arange(5), origin_time_s=ORIGIN.timestamp(), depth_km=14.0)


def succeed(worker: Any, job_id: str, result: LocateResult, warnings: Sequence[DataWarning] = ()) -> None:
    """Let a job end with a location, its products, its section and data warnings."""
    products = locate_products(worker.records.get(job_id), result, "ATLAS")
    fields = result.model_dump(mode="json")
    worker.succeed(job_id, formats=products, figure_data={"section": make_section()}, result=fields, warnings=list(warnings))


def submit_job(service: httpx.Client, path: str = "/events/locate", name: str = "waves.mseed") -> str:
    """Submit a file to a service without workers, and return the id of the job."""
    return str(service.post(path, files={"bundle": (name, b"000001D " + bytes(504))}).json()["id"])
