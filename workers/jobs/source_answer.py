"""The source inversion of a located event as parts of its result: the source, and what depth and force azimuth rest on."""

from datetime import UTC, datetime
from typing import Any, Final

from models.analysis.pipeline import EventLocation
from models.array_types import Floats
from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.mechanisms import double_couple_fraction, nodal_planes
from models.seismic.source.problem import PROFILE_AZIMUTHS_DEG
from models.seismic.source.solution import SourceSolution, TraceFit
from models.seismic.waveforms import Gather
from workers.results import AzimuthLikelihood, Centroid, DepthLikelihood, SourceEstimate, SourceTrace

TENSOR_NAMES: Final = ("rr", "tt", "pp", "rt", "rp", "tp")
NO_RESPONSE: Final = "no trace that fits has an instrument response; send StationXML, RESP or poles and zeros with the waveforms"


def describe_inversion(gather: Gather, found: EventLocation) -> SourceEstimate | None:
    """Describe the source of a located event; None where none was inverted for."""
    source = found.source
    if source is None:
        return None
    return SourceEstimate(
        kind="moment-tensor" if source.kind == "tensor" else "single-force",
        constrains=source.constrains,
        log_likelihood=source.log_likelihood,
        variance_reduction=source.variance_reduction,
        **(_describe_force(source) if source.tensor is None else _describe_tensor(source)),
        **_describe_amplitude(source),
        response="known" if source.response_known else "assumed-velocity",
        centroid=Centroid(
            latitude=source.region.latitude_deg,
            longitude=source.region.longitude_deg,
            horizontal_uncertainty_km=source.region.horizontal_uncertainty_km,
            time=datetime.fromtimestamp(source.time_s, UTC),
            time_uncertainty_s=source.time_uncertainty_s,
        ),
        traces=[_describe_trace(gather, trace) for trace in source.traces],
        correlations={str(gather.trace_ids[trace.trace_index]): trace.correlation for trace in source.traces},
    )


def _describe_tensor(source: SourceSolution) -> dict[str, Any]:
    """Fields of a moment tensor."""
    if source.tensor is None:
        raise ValueError("the source is not a moment tensor")
    return {
        **(_describe_mechanism(source.tensor) if source.states_mechanism else {}),
        "mechanism_uncertainty_deg": source.mechanism_uncertainty_deg,
        "half_duration_s": 0.0,
        "depth_km": source.depth_km,
        "depth_uncertainty_km": source.depth_uncertainty_km,
        "depth_profile": [
            DepthLikelihood(depth_km=depth, log_likelihood=value)
            for depth, value in zip(DEPTHS_KM, source.depth_profile.tolist(), strict=True)
        ],
    }


def _describe_mechanism(tensor: Floats) -> dict[str, Any]:
    """Fields of the mechanism of a moment tensor [6]."""
    return {
        "tensor": dict(zip(TENSOR_NAMES, tensor.tolist(), strict=True)),
        "nodal_planes": [dict(zip(("strike", "dip", "rake"), plane, strict=True)) for plane in nodal_planes(tensor)],
        "double_couple": double_couple_fraction(tensor),
    }


def _describe_force(source: SourceSolution) -> dict[str, Any]:
    """Fields of a single force."""
    return {
        "sign_probability": source.sign_probability,
        "force_duration_s": source.duration_s,
        "azimuth_profile": [
            AzimuthLikelihood(azimuth_deg=azimuth, log_likelihood=value)
            for azimuth, value in zip(PROFILE_AZIMUTHS_DEG.tolist(), source.azimuth_profile.tolist(), strict=True)
        ],
    }


def _describe_amplitude(source: SourceSolution) -> dict[str, Any]:
    """Fields of the size of a source."""
    amplitude = source.amplitude
    if amplitude is None:
        return {"amplitude_unknown": NO_RESPONSE}
    if source.kind == "force":
        return {"force_amplitude_kg_m": amplitude.value, "amplitude_traces": amplitude.traces}
    return {
        "scalar_moment_n_m": amplitude.value,
        "moment_magnitude": amplitude.moment_magnitude,
        "moment_magnitude_uncertainty": amplitude.log10_deviation / 1.5,
        "amplitude_traces": amplitude.traces,
    }


def _describe_trace(gather: Gather, trace: TraceFit) -> SourceTrace:
    waveform = trace.waveform
    return SourceTrace(
        trace=str(gather.trace_ids[trace.trace_index]),
        distance_deg=waveform.distance_deg,
        azimuth_deg=waveform.azimuth_deg,
        correlation=trace.correlation,
        shift_s=trace.shift_s,
        body_correlation=None if waveform.body is None else waveform.body.correlation,
        body_shift_s=None if waveform.body is None else waveform.body.shift_s,
        love_correlation=None if waveform.love is None else waveform.love.correlation,
        love_shift_s=None if waveform.love is None else waveform.love.shift_s,
    )


def name_depth_methods(found: EventLocation) -> str | None:
    """Name the methods behind the depth of a located event, joined by +; None without a depth."""
    if found.depth is None:
        return None
    inverted = found.source is not None and found.source.constrains and found.source.kind == "tensor"
    return "+".join([*_list_depth_methods(found), *(["waveform-inversion"] if inverted else [])])


def _list_depth_methods(found: EventLocation) -> list[str]:
    """List the methods behind the depth before an inversion; none of an event that had no depth then, as one of few stations."""
    if found.depth_density is None:
        return []
    parts = ["section"] if not found.readings.withheld and found.event_type == "earthquake" else []
    parts += ["arrival-times"] if found.arrivals else []
    return parts + (["depth-phases"] if found.depth_phases is not None and found.depth_phases.found else [])
