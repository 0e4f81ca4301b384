"""The source inversion of a located event as parts of its result: the source, and what depth and force azimuth rest on."""

from models.analysis.pipeline import EventLocation
from models.seismic.source.mechanisms import nodal_planes
from models.seismic.waveforms import Gather
from workers.results import SourceEstimate

TENSOR_NAMES = ("rr", "tt", "pp", "rt", "rp", "tp")


def describe_inversion(gather: Gather, found: EventLocation) -> SourceEstimate | None:
    """Describe the source of a located event; None where none was inverted for."""
    source = found.source
    if source is None:
        return None
    tensor = None if source.tensor is None else source.tensor.tolist()
    planes = () if source.tensor is None else nodal_planes(source.tensor)
    return SourceEstimate(
        kind="moment-tensor" if source.kind == "tensor" else "single-force",
        constrains=source.constrains,
        log_likelihood=source.log_likelihood,
        variance_reduction=source.variance_reduction,
        tensor=None if tensor is None else dict(zip(TENSOR_NAMES, tensor, strict=True)),
        nodal_planes=[dict(zip(("strike", "dip", "rake"), plane, strict=True)) for plane in planes],
        depth_km=None if tensor is None else source.depth_km,
        depth_uncertainty_km=None if tensor is None else source.depth_uncertainty_km,
        sign_probability=source.sign_probability,
        force_duration_s=source.duration_s,
        correlations={str(gather.trace_ids[trace.trace_index]): trace.correlation for trace in source.traces},
    )


def describe_methods(found: EventLocation) -> tuple[str | None, str | None]:
    """Name the methods behind the depth and behind the force azimuth of a located event; None for what it does not have."""
    inverted = found.source is not None and found.source.constrains
    parts = ["section"] if not found.readings.withheld and found.event_type == "earthquake" else []
    parts += ["arrival-times"] if found.arrivals else []
    parts += ["waveform-inversion"] if inverted and found.source is not None and found.source.kind == "tensor" else []
    force = "waveform-inversion" if inverted else "beams"
    return "+".join(parts) if found.depth is not None else None, force if found.force_azimuth is not None else None
