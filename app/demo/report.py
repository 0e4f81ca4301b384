"""Answers of the service as lines that a person reads."""

from collections.abc import Sequence
from typing import Any

Result = dict[str, Any]
MAX_MEMBERS = 6


def describe_classification(result: Result) -> list[str]:
    """What it was, how sure, from how many traces."""
    likely = ", ".join(f"{name} {share:.0%}" for name, share in result["probabilities"].items())
    lines = [f"what        {result['event_type']} ({likely}), from {result['traces_used']} traces"]
    if result["out_of_distribution"]:
        lines.append("            unlike anything in training: take this class with care")
    return lines


def describe_location(result: Result) -> list[str]:
    """Where, when, and the depth of an earthquake or the force azimuth of a glacial event."""
    place = result["epicenter"]
    return [
        f"where       {place['latitude']:.2f}°, {place['longitude']:.2f}° ± {place['horizontal_uncertainty_km']:.0f} km",
        f"when        {result['origin_time'][:19].replace('T', ' ')} UTC ± {result['origin_time_uncertainty_s']:.0f} s",
        *_source(result),
        f"stations    {sum(offset['used'] for offset in result['offsets'])} offsets used, gap {result['azimuthal_gap_deg']:.0f}°",
    ]


def _source(result: Result) -> list[str]:
    if result["depth_km"] is not None:
        return [f"depth       {result['depth_km']:.0f} ± {result['depth_uncertainty_km']:.0f} km"]
    if result["force_azimuth_deg"] is None:
        return []
    either = " or the opposite" if result["force_azimuth_ambiguous"] else ""
    return [f"force       toward {result['force_azimuth_deg']:.0f}°{either} ± {result['force_azimuth_uncertainty_deg']:.0f}°"]


def describe_clusters(result: Result) -> list[str]:
    """A row for each family: how many events it has, how sure they are, which represent it."""
    found = "" if result["structure_found"] else ", no clear structure"
    lines = [f"families    {result['k']} among {len(result['assignments'])} events{found}", *_header()]
    for cluster in result["clusters"]:
        members = [event for event in result["assignments"] if event["cluster"] == cluster["cluster"]]
        sure = sum(event["confidence"] for event in members) / max(len(members), 1)
        lines.append(f"            {cluster['cluster']:>6}  {cluster['size']:>4}  {sure:>10.2f}  {_listed(cluster['representatives'])}")
    return lines


def _header() -> list[str]:
    return [f"            {'family':>6}  {'size':>4}  {'confidence':>10}  representatives"]


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > MAX_MEMBERS else ""
    return ", ".join(names[:MAX_MEMBERS]) + more


def bar(stage: str, progress: float, width: int = 24) -> str:
    """A bar of text; what lies outside 0 to 1 is cut."""
    share = min(max(progress, 0.0), 1.0)
    filled = round(width * share)
    return f"[{'#' * filled}{'.' * (width - filled)}] {share:4.0%} {stage:<12.12}"
