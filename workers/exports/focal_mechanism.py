"""Focal mechanism of a location in QuakeML: nodal planes, principal axes, moment tensor, centroid and moment magnitude."""

from dataclasses import dataclass
from math import cos, radians
from typing import Final

import numpy as np
from obspy import UTCDateTime
from obspy.core.event import (
    Axis,
    Comment,
    CreationInfo,
    DataUsed,
    Event,
    FocalMechanism,
    Magnitude,
    MomentTensor,
    NodalPlane,
    NodalPlanes,
    Origin,
    OriginUncertainty,
    PrincipalAxes,
    QuantityError,
    ResourceIdentifier,
    SourceTimeFunction,
    Tensor,
)

from models.seismic.geodesy import KM_PER_DEGREE, azimuthal_gap_deg, wrap_longitude_deg
from models.seismic.location.regions import NORMAL_AXIS
from models.seismic.source.mechanisms import principal_axes
from models.seismic.source.observations import LONGEST_PERIOD_S, SHORTEST_PERIOD_S
from workers.contracts import JobRecord
from workers.results import Centroid, LocateResult, SourceEstimate

UNNAMED: Final = "smi:local/seismic-atlas"
GREENS_FUNCTIONS: Final = "reciprocal-prem-continental-oceanic"
MIN_COSINE: Final = 1e-3  # at the poles all longitudes are near
_COMPONENTS: Final = ("rr", "tt", "pp", "rt", "rp", "tp")


@dataclass(frozen=True)
class ResourceIds:
    """Resource ids, comments and creation info of one document."""

    record: JobRecord
    agency: str

    def resource(self, path: str) -> ResourceIdentifier:
        """Make the id of an element of the document."""
        return ResourceIdentifier(f"{UNNAMED}/{self.record.id}/{path}")

    def comment(self, text: str, path: str) -> Comment:
        """Make a comment with an id."""
        return Comment(text=text, resource_id=self.resource(f"comment/{path}"), creation_info=self.creation())

    def creation(self) -> CreationInfo:
        """Make the creation info of an element."""
        return CreationInfo(agency_id=self.agency, author="seismic-atlas", creation_time=UTCDateTime(self.record.created_at))


def add_focal_mechanism(event: Event, ids: ResourceIds, result: LocateResult) -> None:
    """
    Add the moment tensor of a location to its event, where waveforms constrain one: centroid origin, magnitude, and mechanism where known.

    Without a scalar moment there is no magnitude, and the tensor of scalar moment 1 is a comment, because the schema wants N m.
    """
    source = result.source
    if source is None or not source.constrains or source.kind != "moment-tensor" or source.centroid is None:
        return
    origin = _describe_centroid(ids, source, source.centroid)
    event.origins.append(origin)
    magnitude = _describe_magnitude(ids, source, origin)
    if magnitude is not None:
        event.magnitudes = [magnitude]
        event.preferred_magnitude_id = magnitude.resource_id
    if source.tensor is None:
        return
    mechanism = FocalMechanism(
        resource_id=ids.resource("focal-mechanism"),
        triggering_origin_id=event.preferred_origin_id,
        nodal_planes=_describe_planes(source),
        principal_axes=_describe_axes(source),
        azimuthal_gap=_measure_gap(source),
        method_id=ResourceIdentifier(f"{UNNAMED}/method/waveform-inversion"),
        moment_tensor=_describe_tensor(ids, source, origin, magnitude),
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        comments=[ids.comment(_describe_uncertainty(source), "mechanism-uncertainty"), *_comment_tensor(ids, source)],
        creation_info=ids.creation(),
    )
    event.focal_mechanisms = [mechanism]
    event.preferred_focal_mechanism_id = mechanism.resource_id


def _describe_centroid(ids: ResourceIds, source: SourceEstimate, centroid: Centroid) -> Origin:
    depth_m = None if source.depth_km is None else 1000.0 * source.depth_km
    north_deg = centroid.horizontal_uncertainty_km / NORMAL_AXIS / KM_PER_DEGREE
    east_deg = min(north_deg / max(cos(radians(centroid.latitude)), MIN_COSINE), 180.0)
    return Origin(
        resource_id=ids.resource("origin/centroid"),
        time=UTCDateTime(centroid.time),
        time_errors=QuantityError(uncertainty=centroid.time_uncertainty_s),
        latitude=centroid.latitude,
        latitude_errors=QuantityError(uncertainty=north_deg),
        longitude=float(wrap_longitude_deg(centroid.longitude)),
        longitude_errors=QuantityError(uncertainty=east_deg),
        origin_uncertainty=OriginUncertainty(
            horizontal_uncertainty=1000.0 * centroid.horizontal_uncertainty_km,
            preferred_description="horizontal uncertainty",
            confidence_level=68.0,
        ),
        depth=depth_m,
        depth_errors=state_depth_errors(source.depth_uncertainty_km),
        depth_type="from moment tensor inversion",
        origin_type="centroid",
        method_id=ResourceIdentifier(f"{UNNAMED}/method/waveform-inversion"),
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        creation_info=ids.creation(),
    )


def state_depth_errors(uncertainty_km: float | None) -> QuantityError:
    """State half the width of the interval about a depth that holds 68 % in meters, with that level; nothing where it is unknown."""
    return QuantityError() if uncertainty_km is None else QuantityError(uncertainty=1000.0 * uncertainty_km, confidence_level=68.0)


def _describe_magnitude(ids: ResourceIds, source: SourceEstimate, origin: Origin) -> Magnitude | None:
    if source.moment_magnitude is None:
        return None
    return Magnitude(
        resource_id=ids.resource("magnitude/Mw"),
        mag=source.moment_magnitude,
        mag_errors=QuantityError(uncertainty=source.moment_magnitude_uncertainty),
        magnitude_type="Mw",
        origin_id=origin.resource_id,
        method_id=ResourceIdentifier(f"{UNNAMED}/method/waveform-inversion"),
        station_count=source.amplitude_traces,
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        creation_info=ids.creation(),
    )


def _describe_tensor(ids: ResourceIds, source: SourceEstimate, origin: Origin, magnitude: Magnitude | None) -> MomentTensor:
    moment = source.scalar_moment_n_m
    scaled = None if moment is None else {f"m_{name}": moment * (source.tensor or {})[name] for name in _COMPONENTS}
    double_couple = source.double_couple or 0.0
    return MomentTensor(
        resource_id=ids.resource("moment-tensor"),
        derived_origin_id=origin.resource_id,
        moment_magnitude_id=None if magnitude is None else magnitude.resource_id,
        scalar_moment=moment,
        tensor=None if scaled is None else Tensor(**scaled),
        variance_reduction=100.0 * source.variance_reduction,
        double_couple=double_couple,
        clvd=1.0 - double_couple,
        iso=0.0,
        greens_function_id=ResourceIdentifier(f"{UNNAMED}/greens-function/{GREENS_FUNCTIONS}"),
        source_time_function=SourceTimeFunction(type="triangle", duration=2.0 * (source.half_duration_s or 0.0)),
        data_used=[
            DataUsed(
                wave_type="combined",
                station_count=len({tuple(trace.trace.split(".")[:2]) for trace in source.traces}),
                component_count=len(source.traces),
                shortest_period=SHORTEST_PERIOD_S,
                longest_period=LONGEST_PERIOD_S,
            )
        ],
        method_id=ResourceIdentifier(f"{UNNAMED}/method/waveform-inversion"),
        inversion_type="zero trace",
        creation_info=ids.creation(),
    )


def _describe_planes(source: SourceEstimate) -> NodalPlanes:
    first, second = (NodalPlane(strike=plane["strike"], dip=plane["dip"], rake=plane["rake"]) for plane in source.nodal_planes)
    return NodalPlanes(nodal_plane_1=first, nodal_plane_2=second)


def _describe_axes(source: SourceEstimate) -> PrincipalAxes:
    """Azimuth, plunge and length of the axes; lengths in N m, or of scalar moment 1 where that is unknown."""
    moment = source.scalar_moment_n_m or 1.0
    tensor = np.array([(source.tensor or {})[name] for name in _COMPONENTS])
    tension, null, pressure = (
        Axis(azimuth=azimuth, plunge=plunge, length=moment * length) for azimuth, plunge, length in principal_axes(tensor)
    )
    return PrincipalAxes(t_axis=tension, n_axis=null, p_axis=pressure)


def _measure_gap(source: SourceEstimate) -> float:
    return azimuthal_gap_deg(np.array([trace.azimuth_deg for trace in source.traces]))


def _describe_uncertainty(source: SourceEstimate) -> str:
    return f"rotation of the double couple that holds the true one with 68 %: {source.mechanism_uncertainty_deg or 0.0:.0f} degrees"


def _comment_tensor(ids: ResourceIds, source: SourceEstimate) -> list[Comment]:
    """State a tensor of scalar moment 1 as a comment where the moment is unknown."""
    if source.scalar_moment_n_m is not None:
        return []
    components = ", ".join(f"{name} {value:.4f}" for name, value in (source.tensor or {}).items())
    text = f"moment tensor of scalar moment 1 (r up, t south, p east): {components}; {source.amplitude_unknown or 'moment unknown'}"
    return [ids.comment(text, "moment-tensor")]
