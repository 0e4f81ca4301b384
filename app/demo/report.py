"""Format results of the service as lines of text."""

from collections.abc import Sequence
from typing import Any

JsonObject = dict[str, Any]
MAX_MEMBERS = 6


def describe_classification(result: JsonObject) -> list[str]:
    """Format class, probabilities, number of traces, and a note where the event may be neither kind of earthquake."""
    if result["event_type"] == "none":
        return _describe_no_event(result)
    probabilities = ", ".join(f"{name} {probability:.0%}" for name, probability in result["probabilities"].items())
    lines = [f"class       {result['event_type']} (probabilities: {probabilities}), {result['traces_used']} traces"]
    if result["out_of_distribution"]:
        lines.append("            out of distribution: it may be neither a tectonic nor a glacial earthquake")
    return lines


def describe_location(result: JsonObject) -> list[str]:
    """Format epicenter, origin time, and the depth of a tectonic or the force azimuth of a glacial earthquake."""
    epicenter = result["epicenter"]
    if epicenter is None:
        return _describe_no_event(result)
    return [
        f"epicenter   {epicenter['latitude']:.2f}°, {epicenter['longitude']:.2f}° ± {epicenter['horizontal_uncertainty_km']:.0f} km (68 %)",
        f"origin time {result['origin_time'][:19].replace('T', ' ')} UTC ± {result['origin_time_uncertainty_s']:.0f} s",
        *_describe_source(result),
        f"distances   {sum(offset['used'] for offset in result['offsets'])} used, azimuthal gap {result['azimuthal_gap_deg']:.0f}°",
    ]


def _describe_no_event(result: JsonObject) -> list[str]:
    probability = result["detection"]["false_alarm_probability"]
    return [f"event       none detected (false-alarm probability of the strongest evidence {probability:.2g})"]


def _describe_source(result: JsonObject) -> list[str]:
    if result["depth_km"] is not None:
        return [f"depth       {result['depth_km']:.0f} ± {result['depth_uncertainty_km']:.0f} km"]
    if result["force_azimuth_deg"] is None:
        return []
    opposite = ", or the opposite" if result["force_azimuth_ambiguous"] else ""
    return [f"force       azimuth {result['force_azimuth_deg']:.0f}° ± {result['force_azimuth_uncertainty_deg']:.0f}°{opposite}"]


def describe_clusters(result: JsonObject) -> list[str]:
    """Format a row for each family: number of events, mean confidence of their assignment, and representative events."""
    structure = "" if result["structure_found"] else " (no significant structure found)"
    lines = [f"families    {result['k']} in {len(result['assignments'])} events{structure}", *_header()]
    for cluster in result["clusters"]:
        members = [event for event in result["assignments"] if event["cluster"] == cluster["cluster"]]
        confidence = sum(event["confidence"] for event in members) / max(len(members), 1)
        representatives = _abbreviate(cluster["representatives"])
        lines.append(f"            {cluster['cluster']:>6}  {cluster['size']:>4}  {confidence:>10.2f}  {representatives}")
    return lines


def _header() -> list[str]:
    return [f"            {'family':>6}  {'size':>4}  {'confidence':>10}  representatives"]


def _abbreviate(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > MAX_MEMBERS else ""
    return ", ".join(names[:MAX_MEMBERS]) + more


def progress_bar(stage: str, progress: float, width: int = 24) -> str:
    """Format a progress bar of `width` characters with percentage and stage; `progress` is clipped to 0 to 1."""
    fraction = min(max(progress, 0.0), 1.0)
    filled = round(width * fraction)
    return f"[{'#' * filled}{'.' * (width - filled)}] {fraction:4.0%} {stage:<12.12}"
