"""Conversion of a location to QuakeML 1.2 (Schorlemmer et al. 2011, doi:10.4401/ag-4874)."""

import io
from collections.abc import Iterable
from math import sqrt
from statistics import median
from typing import Any, Final

from obspy import UTCDateTime
from obspy.core.event import (
    Arrival,
    Catalog,
    Comment,
    CreationInfo,
    Event,
    Origin,
    OriginQuality,
    OriginUncertainty,
    Pick,
    QuantityError,
    ResourceIdentifier,
    WaveformStreamID,
)

from workers.contracts import ArrivalEstimate, DistanceEstimate, JobRecord, LocateResult

QUAKEML_TYPES: Final = (("earthquake", "earthquake"), ("glacial", "ice quake"), ("other", "other event"), ("undetermined", None))
_KM_PER_DEG = 111.195
# IASPEI's name of an unidentified arrival, for distances, which are predicted from a whole trace and not from one phase.
_UNIDENTIFIED_PHASE = "x"


def quakeml(record: JobRecord, result: LocateResult) -> bytes:
    """
    Return a location as a QuakeML 1.2 document with one event and one automatic origin.

    A force azimuth and the 90 % ellipse are comments, because the schema has no elements for them. Each associated pick is a
    Pick and an Arrival with its residual. The distance of each trace is an Arrival of phase x that refers to the trace instead
    of a Pick. Angles are in degrees, depths and ellipses in meters, as the schema has them.
    """
    origin = _origin(record, result)
    event = Event(
        resource_id=_resource_id(record, "event"),
        event_type=dict(QUAKEML_TYPES)[result.event_type],
        event_type_certainty="suspected",
        origins=[origin],
        picks=[_pick(record, arrival) for arrival in result.arrivals],
        comments=[_comment(record, text, "force") for text in _force_comments(result)],
        creation_info=_creation(record),
        force_resource_id=False,
    )
    event.preferred_origin_id = origin.resource_id
    catalog = Catalog([event], resource_id=_resource_id(record, "catalog"), creation_info=_creation(record))
    buffer = io.BytesIO()
    catalog.write(buffer, format="QUAKEML", validate=False)
    return buffer.getvalue()


def _origin(record: JobRecord, result: LocateResult) -> Origin:
    epicenter = result.epicenter
    uncertainty_deg = epicenter.horizontal_uncertainty_km / _KM_PER_DEG
    return Origin(
        resource_id=_resource_id(record, "origin"),
        time=UTCDateTime(result.origin_time),
        time_errors=QuantityError(uncertainty=result.origin_time_uncertainty_s),
        latitude=epicenter.latitude,
        latitude_errors=QuantityError(uncertainty=uncertainty_deg),
        longitude=longitude_within_180(epicenter.longitude),
        longitude_errors=QuantityError(uncertainty=uncertainty_deg),
        **_depth_fields(result),
        method_id=ResourceIdentifier(f"smi:local/seismic-atlas/method/{_method_path(result)}"),
        earth_model_id=ResourceIdentifier(f"smi:local/seismic-atlas/earth/{_method_path(result)}"),
        quality=_quality(result),
        origin_uncertainty=_uncertainty(result),
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        arrivals=[_distance_arrival(record, estimate) for estimate in result.offsets] + _pick_arrivals(record, result),
        comments=[_comment(record, text, "region") for text in _ellipse_comments(result)],
        creation_info=_creation(record),
    )


def _depth_fields(result: LocateResult) -> dict[str, Any]:
    if result.depth_km is None:
        return {}
    errors = QuantityError() if result.depth_uncertainty_km is None else QuantityError(uncertainty=1000.0 * result.depth_uncertainty_km)
    return {"depth": 1000.0 * result.depth_km, "depth_errors": errors, "depth_type": "other"}


def _uncertainty(result: LocateResult) -> OriginUncertainty:
    ellipse = result.epicenter.ellipse
    return OriginUncertainty(
        horizontal_uncertainty=1000.0 * result.epicenter.horizontal_uncertainty_km,
        min_horizontal_uncertainty=1000.0 * ellipse.semi_minor_km,
        max_horizontal_uncertainty=1000.0 * ellipse.semi_major_km,
        azimuth_max_horizontal_uncertainty=ellipse.azimuth_deg,
        preferred_description="uncertainty ellipse",
        confidence_level=ellipse.confidence_level,
    )


def _quality(result: LocateResult) -> OriginQuality:
    used = [estimate for estimate in result.offsets if estimate.used]
    distances = [epicentral_distance_deg(estimate) for estimate in used]
    stations = {tuple(estimate.trace.split(".")[:2]) for estimate in used}
    return OriginQuality(
        associated_phase_count=len(result.offsets) + len(result.arrivals),
        used_phase_count=len(used) + len(result.arrivals),
        associated_station_count=len({tuple(estimate.trace.split(".")[:2]) for estimate in result.offsets}),
        used_station_count=len(stations),
        standard_error=rms_s(result),
        azimuthal_gap=result.azimuthal_gap_deg,
        minimum_distance=min(distances, default=None),
        maximum_distance=max(distances, default=None),
        median_distance=median(distances) if distances else None,
    )


def _distance_arrival(record: JobRecord, estimate: DistanceEstimate) -> Arrival:
    return Arrival(
        resource_id=_resource_id(record, f"arrival/{estimate.trace}"),
        pick_id=_resource_id(record, f"trace/{estimate.trace}"),
        phase=_UNIDENTIFIED_PHASE,
        distance=epicentral_distance_deg(estimate),
        azimuth=estimate.azimuth_deg,
        time_weight=float(estimate.used),
        comments=[_comment(record, _describe_estimate(estimate), f"offset/{estimate.trace}")],
    )


def _describe_estimate(estimate: DistanceEstimate) -> str:
    distance = f"offset read: {estimate.distance_deg} +- {estimate.distance_uncertainty_deg} degrees"
    if estimate.back_azimuth_deg is None:
        return distance
    back_azimuth = f"{estimate.back_azimuth_deg} +- {estimate.back_azimuth_uncertainty_deg} degrees"
    return f"{distance}; back azimuth by its own motion: {back_azimuth}"


def _pick(record: JobRecord, arrival: ArrivalEstimate) -> Pick:
    network, station, location, channel = arrival.trace.split(".")
    return Pick(
        resource_id=_resource_id(record, f"pick/{arrival.trace}/{arrival.phase}"),
        time=UTCDateTime(arrival.time),
        time_errors=QuantityError(uncertainty=arrival.uncertainty_s),
        waveform_id=WaveformStreamID(network, station, location, channel),
        phase_hint=arrival.phase,
        evaluation_mode="automatic",
        creation_info=_creation(record),
    )


def _pick_arrivals(record: JobRecord, result: LocateResult) -> list[Arrival]:
    """Return the arrivals of picks, with distance and azimuth where the trace has a distance estimate."""
    estimates = {estimate.trace: estimate for estimate in result.offsets}
    return [
        Arrival(
            resource_id=_resource_id(record, f"arrival/{arrival.trace}/{arrival.phase}"),
            pick_id=_resource_id(record, f"pick/{arrival.trace}/{arrival.phase}"),
            phase=arrival.phase,
            distance=epicentral_distance_deg(estimates[arrival.trace]) if arrival.trace in estimates else None,
            azimuth=estimates[arrival.trace].azimuth_deg if arrival.trace in estimates else None,
            time_residual=arrival.residual_s,
            time_weight=1.0,
        )
        for arrival in result.arrivals
    ]


def rms_s(result: LocateResult) -> float | None:
    """Return the root mean square of the time residuals in seconds; None for a location without arrival times."""
    squares = [arrival.residual_s**2 for arrival in result.arrivals]
    return sqrt(sum(squares) / len(squares)) if squares else None


def _ellipse_comments(result: LocateResult) -> Iterable[str]:
    ellipse = result.epicenter.outer_ellipse
    if ellipse is not None:
        yield f"{ellipse.confidence_level:.0f} % ellipse: {1000.0 * ellipse.semi_major_km:.0f} by {1000.0 * ellipse.semi_minor_km:.0f} m"


def epicentral_distance_deg(estimate: DistanceEstimate) -> float:
    """Return the distance from the located epicenter in degrees; for a station without coordinates, the predicted distance."""
    return estimate.distance_deg + (estimate.residual_deg or 0.0)


def _force_comments(result: LocateResult) -> Iterable[str]:
    if result.force_azimuth_deg is not None:
        azimuth = f"force azimuth {result.force_azimuth_deg:.1f} +- {result.force_azimuth_uncertainty_deg or 0.0:.1f} degrees"
        yield f"{azimuth} clockwise from north{', or the opposite' if result.force_azimuth_ambiguous else ''}"


def _method_path(result: LocateResult) -> str:
    """Return the method and the versions of the models, as the end of a resource id."""
    return "/".join([result.method, *(f"{model.name}-{model.version}" for model in result.models)])


def _comment(record: JobRecord, text: str, path: str) -> Comment:
    return Comment(text=text, resource_id=_resource_id(record, f"comment/{path}"))


def _resource_id(record: JobRecord, path: str) -> ResourceIdentifier:
    return ResourceIdentifier(f"smi:local/seismic-atlas/{record.id}/{path}")


def _creation(record: JobRecord) -> CreationInfo:
    return CreationInfo(author="seismic-atlas", creation_time=UTCDateTime(record.created_at))


def longitude_within_180(degrees: float) -> float:
    """Return a longitude in degrees between -180 and 180."""
    return (degrees + 180.0) % 360.0 - 180.0
