"""Conversion of a location to QuakeML 1.2 (Schorlemmer et al. 2011, doi:10.4401/ag-4874)."""

import io
import re
from collections.abc import Iterable
from functools import cache
from math import cos, hypot, radians, sin, sqrt
from statistics import median
from typing import Any, Final

from obspy import UTCDateTime
from obspy.core.event import (
    Arrival,
    Catalog,
    Event,
    EventDescription,
    Origin,
    OriginQuality,
    OriginUncertainty,
    Pick,
    QuantityError,
    ResourceIdentifier,
    WaveformStreamID,
)
from obspy.geodetics import FlinnEngdahl

from models.seismic.geodesy import KM_PER_DEGREE, wrap_longitude_deg
from models.seismic.location.regions import NORMAL_AXIS
from workers.contracts import JobRecord
from workers.exports.focal_mechanism import MIN_COSINE, UNNAMED, ResourceIds, add_focal_mechanism, state_depth_errors
from workers.results import DistanceEstimate, Epicenter, LocateResult
from workers.settings import DEFAULT_AGENCY

QUAKEML_TYPES: Final = (
    ("earthquake", "earthquake"),
    ("glacial", "ice quake"),
    ("other", "other event"),
    ("undetermined", None),
    ("none", "not existing"),
)
"""Event types of QuakeML 1.2; "not existing" is its word for a false detection."""
EARTH_MODEL: Final = "ak135"
"""Travel-time tables of arrivals."""
_SURFACE_WAVES: Final = "LR"


def quakeml(record: JobRecord, result: LocateResult, agency: str = DEFAULT_AGENCY) -> bytes:
    """
    Return a location as a QuakeML 1.2 document with one event and its automatic origins: the preferred one, then the alternatives.

    Each associated pick is a Pick and an Arrival; the back azimuth of its station is at the pick of the first phase. Distances that are
    predicted from whole traces are no arrivals and stand in CSV and JSON only. An alternative has the origin time of the preferred origin
    (`timeFixed`). A moment tensor that waveforms constrain is a FocalMechanism with its own centroid origin, and a Magnitude where
    responses are known. Force azimuth, 90 % ellipse and residuals of surface waves are comments, because the schema has no elements for
    them. Angles are in degrees, depths and ellipses in meters, as the schema has them. Where no event was detected there is no origin.

    Parameters
    ----------
    record
        The record of the job.
    result
        Its location.
    agency
        Agency id of all elements.

    """
    ids = ResourceIds(record, agency)
    origins = [] if result.epicenter is None else [_origin(ids, result, result.epicenter)]
    origins += [_alternative(ids, result, number, place) for number, place in enumerate(result.alternatives, start=1)]
    event_type = dict(QUAKEML_TYPES)[result.event_type]
    event = Event(
        resource_id=ids.resource("event"),
        event_type=event_type,
        event_type_certainty="suspected" if event_type else None,
        event_descriptions=[] if result.epicenter is None else [_describe_region(result.epicenter)],
        origins=origins,
        picks=_picks(ids, result),
        comments=[ids.comment(text, path) for path, text in _event_comments(result)],
        creation_info=ids.creation(),
        force_resource_id=False,
    )
    if origins:
        event.preferred_origin_id = origins[0].resource_id
        add_focal_mechanism(event, ids, result)
    catalog = Catalog([event], resource_id=ids.resource("catalog"), creation_info=ids.creation())
    buffer = io.BytesIO()
    catalog.write(buffer, format="QUAKEML", validate=False)
    return buffer.getvalue()


@cache
def _regions() -> FlinnEngdahl:
    return FlinnEngdahl()


def region_name(latitude: float, longitude: float) -> str:
    """Return the Flinn-Engdahl region of a point, degrees (Young et al. 1996, doi:10.1016/0031-9201(96)03141-X)."""
    name = str(_regions().get_region(float(wrap_longitude_deg(longitude)), latitude)).title()
    return re.sub(r"(?<=\w )(Of|And|The|In)\b", lambda word: word[0].lower(), name)


def _describe_region(epicenter: Epicenter) -> EventDescription:
    return EventDescription(text=region_name(epicenter.latitude, epicenter.longitude), type="Flinn-Engdahl region")


def _origin(ids: ResourceIds, result: LocateResult, epicenter: Epicenter) -> Origin:
    timed = bool(result.arrivals)
    return Origin(
        resource_id=ids.resource("origin"),
        time=UTCDateTime(result.origin_time),
        time_errors=QuantityError(uncertainty=result.origin_time_uncertainty_s),
        **_coordinates(epicenter),
        **_depth_fields(result),
        method_id=_method_id(result),
        earth_model_id=ResourceIdentifier(f"{UNNAMED}/earth-model/{EARTH_MODEL}") if timed else None,
        quality=_quality(result),
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        arrivals=_arrivals(ids, result),
        comments=[ids.comment(text, path) for path, text in _origin_comments(result, epicenter)],
        creation_info=ids.creation(),
    )


def _alternative(ids: ResourceIds, result: LocateResult, number: int, epicenter: Epicenter) -> Origin:
    """Another mode of the posterior, without depth or arrivals, which belong to the preferred origin."""
    text = f"alternative {number}: another mode of the posterior; its region: {region_name(epicenter.latitude, epicenter.longitude)}"
    return Origin(
        resource_id=ids.resource(f"origin/alternative-{number}"),
        time=UTCDateTime(result.origin_time),
        time_fixed=True,
        **_coordinates(epicenter),
        method_id=_method_id(result),
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        comments=[ids.comment(text, f"alternative-{number}")],
        creation_info=ids.creation(),
    )


def _coordinates(epicenter: Epicenter) -> dict[str, Any]:
    """Return latitude and longitude with their standard deviations in degrees, and the ellipse, as fields of an Origin."""
    north_km, east_km = standard_deviations_km(epicenter)
    east_deg = min(east_km / (KM_PER_DEGREE * max(cos(radians(epicenter.latitude)), MIN_COSINE)), 180.0)
    return {
        "latitude": epicenter.latitude,
        "latitude_errors": QuantityError(uncertainty=min(north_km / KM_PER_DEGREE, 180.0)),
        "longitude": float(wrap_longitude_deg(epicenter.longitude)),
        "longitude_errors": QuantityError(uncertainty=east_deg),
        "origin_uncertainty": _uncertainty(epicenter),
        "region": region_name(epicenter.latitude, epicenter.longitude),
    }


def standard_deviations_km(epicenter: Epicenter) -> tuple[float, float]:
    """Return the standard deviations north and east of the normal distribution whose 68 % ellipse is that of the epicenter."""
    ellipse = epicenter.ellipse
    along, across = ellipse.semi_major_km / NORMAL_AXIS, ellipse.semi_minor_km / NORMAL_AXIS
    azimuth = radians(ellipse.azimuth_deg)
    return hypot(along * cos(azimuth), across * sin(azimuth)), hypot(along * sin(azimuth), across * cos(azimuth))


def _depth_fields(result: LocateResult) -> dict[str, Any]:
    if result.depth_km is None:
        return {}
    errors = state_depth_errors(result.depth_uncertainty_km)
    return {"depth": 1000.0 * result.depth_km, "depth_errors": errors, "depth_type": "from location" if result.arrivals else "other"}


def _uncertainty(epicenter: Epicenter) -> OriginUncertainty:
    ellipse = epicenter.ellipse
    return OriginUncertainty(
        horizontal_uncertainty=1000.0 * epicenter.horizontal_uncertainty_km,
        min_horizontal_uncertainty=1000.0 * ellipse.semi_minor_km,
        max_horizontal_uncertainty=1000.0 * ellipse.semi_major_km,
        azimuth_max_horizontal_uncertainty=ellipse.azimuth_deg,
        preferred_description="uncertainty ellipse",
        confidence_level=ellipse.confidence_level,
    )


def _quality(result: LocateResult) -> OriginQuality:
    """Count phases by arrivals, and stations by arrivals and predicted distances."""
    used = used_traces(result)
    distances = [distance for distance in used.values() if distance is not None]
    return OriginQuality(
        associated_phase_count=len(result.arrivals),
        used_phase_count=len(result.arrivals),
        associated_station_count=count_stations(used.keys() | {estimate.trace for estimate in result.offsets}),
        used_station_count=count_stations(used),
        standard_error=rms_s(result),
        azimuthal_gap=result.azimuthal_gap_deg,
        minimum_distance=min(distances, default=None),
        maximum_distance=max(distances, default=None),
        median_distance=median(distances) if distances else None,
    )


def used_traces(result: LocateResult) -> dict[str, float | None]:
    """Return the traces that contributed an arrival or a distance, with their epicentral distances in degrees where these are known."""
    timed = {arrival.trace: arrival.distance_deg for arrival in result.arrivals}
    return timed | {estimate.trace: epicentral_distance_deg(estimate) for estimate in result.offsets if estimate.used}


def count_stations(traces: Iterable[str]) -> int:
    """Count the stations of traces."""
    return len({_station(trace) for trace in traces})


def _station(trace: str) -> tuple[str, ...]:
    return tuple(trace.split(".")[:2])


def _picks(ids: ResourceIds, result: LocateResult) -> list[Pick]:
    """Return the associated picks; a station's back azimuth is at its first one."""
    estimates = {_station(estimate.trace): estimate for estimate in result.offsets if estimate.back_azimuth_deg is not None}
    picks = []
    for arrival in sorted(result.arrivals, key=lambda arrival: arrival.time):
        network, station, location, channel = arrival.trace.split(".")
        measured = estimates.pop((network, station), None)
        back_azimuth = (
            {}
            if measured is None
            else {
                "backazimuth": measured.back_azimuth_deg,
                "backazimuth_errors": QuantityError(uncertainty=measured.back_azimuth_uncertainty_deg),
            }
        )
        picks.append(
            Pick(
                resource_id=ids.resource(f"pick/{arrival.trace}/{arrival.phase}"),
                time=UTCDateTime(arrival.time),
                time_errors=QuantityError(uncertainty=arrival.pick_uncertainty_s or arrival.uncertainty_s),
                waveform_id=WaveformStreamID(network, station, location, channel),
                phase_hint=arrival.phase,
                evaluation_mode="automatic",
                evaluation_status="preliminary",
                creation_info=ids.creation(),
                **back_azimuth,
            )
        )
    return picks


def _arrivals(ids: ResourceIds, result: LocateResult) -> list[Arrival]:
    """Return the arrivals of picks, with distance and azimuth of their stations."""
    return [
        Arrival(
            resource_id=ids.resource(f"arrival/{arrival.trace}/{arrival.phase}"),
            pick_id=ids.resource(f"pick/{arrival.trace}/{arrival.phase}"),
            phase=arrival.phase,
            distance=arrival.distance_deg,
            azimuth=arrival.azimuth_deg,
            time_residual=arrival.residual_s,
            time_weight=1.0,
            creation_info=ids.creation(),
        )
        for arrival in result.arrivals
    ]


def rms_s(result: LocateResult, *, surface_waves: bool = False) -> float | None:
    """Return the root mean square of the time residuals of body waves, or of surface waves, in seconds; None without any."""
    squares = [arrival.residual_s**2 for arrival in result.arrivals if (arrival.phase == _SURFACE_WAVES) == surface_waves]
    return sqrt(sum(squares) / len(squares)) if squares else None


def _origin_comments(result: LocateResult, epicenter: Epicenter) -> Iterable[tuple[str, str]]:
    """Yield id and text of each comment on the preferred origin."""
    ellipse = epicenter.outer_ellipse
    if ellipse is not None:
        sizes = f"semi-axes {1000.0 * ellipse.semi_major_km:.0f} and {1000.0 * ellipse.semi_minor_km:.0f} m"
        yield (
            "region",
            f"{ellipse.confidence_level:.0f} % ellipse: {sizes}, major axis {ellipse.azimuth_deg:.0f} degrees clockwise from north",
        )
    rms = rms_s(result, surface_waves=True)
    if rms is not None:
        yield "surface-waves", f"rms residual of the Rayleigh-wave envelope peaks: {rms:.1f} s; not part of standardError"
    if result.arrivals and result.depth_km is None:
        yield "residuals", "no depth is stated; time residuals are those of the source that fits the arrival times best"
    used = sum(estimate.used for estimate in result.offsets)
    if result.offsets:
        yield (
            "distances",
            f"distances predicted from {used} of {len(result.offsets)} traces agree with the epicenter (method {result.method})",
        )


def epicentral_distance_deg(estimate: DistanceEstimate) -> float:
    """Return the distance from the located epicenter in degrees; for a station without coordinates, the predicted distance."""
    if estimate.epicentral_distance_deg is not None:
        return estimate.epicentral_distance_deg
    return estimate.distance_deg + (estimate.residual_deg or 0.0)


def _event_comments(result: LocateResult) -> Iterable[tuple[str, str]]:
    """Yield id and text of each comment on the event."""
    if result.epicenter is None and result.detection is not None:
        probability = result.detection.false_alarm_probability
        yield "detection", f"no event detected: noise reaches the detection statistic of these records with probability {probability:.2g}"
    if result.force_azimuth_deg is not None:
        azimuth = f"force azimuth {result.force_azimuth_deg:.1f} +- {result.force_azimuth_uncertainty_deg or 0.0:.1f} degrees"
        opposite = ", or the opposite" if result.force_azimuth_ambiguous else ""
        yield "force", f"{azimuth} clockwise from north: direction in which the horizontal force on the Earth acts first{opposite}"


def _method_id(result: LocateResult) -> ResourceIdentifier:
    """Return the method and the versions of the models as a resource id."""
    path = "/".join([result.method, *(f"{model.name}-{model.version}" for model in result.models)])
    return ResourceIdentifier(f"{UNNAMED}/method/{path}")
