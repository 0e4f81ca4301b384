"""Results and jobs as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from rich.table import Table

from seismic_atlas_client.base import Result
from seismic_atlas_client.fdsn.events import CatalogEvent
from seismic_atlas_client.fdsn.stations import measure_path
from seismic_atlas_client.models import (
    ClassifyResult,
    ClusterResult,
    DataWarning,
    Epicenter,
    JobSummary,
    LocateManyResult,
    LocateResult,
    SourceEstimate,
)

KM_PER_DEGREE = 111.195
TYPES = {
    "earthquake": "tectonic earthquake",
    "glacial": "glacial earthquake",
    "other": "other event (explosion, landslide, collapse)",
    "undetermined": "undetermined: no class is probable enough",
    "none": "no event detected",
}
MAX_REPRESENTATIVES = 4
MAX_NAMES = 3


def draw_result(result: Result, place: str = "", catalog: CatalogEvent | None = None) -> list[Table]:
    """Return the tables of a result; `place` is the name of the region, `catalog` an origin to compare a location with."""
    if isinstance(result, LocateResult):
        tables = [_draw_pairs("Location", _describe_location(result, place, catalog))]
    elif isinstance(result, ClassifyResult):
        tables = [_draw_pairs("Classification", _describe_class(result))]
    elif isinstance(result, ClusterResult):
        tables = [_draw_families(result)]
    elif isinstance(result, LocateManyResult):
        tables = [_draw_events(result)]
    else:
        tables = []
    return tables + ([_draw_warnings(result.warnings)] if result.warnings else [])


def draw_jobs(jobs: Iterable[JobSummary]) -> Table:
    """Return the table of a list of jobs."""
    table = Table("Job", "Kind", "Status", "Created (UTC)", "Files", box=None)
    for job in jobs:
        status = job.status if job.status != "running" else f"running {job.progress:.0%}"
        table.add_row(job.id, job.kind, status, format_time(job.created_at, 0), ", ".join(job.parts))
    return table


def format_time(time: datetime, decimals: int = 1) -> str:
    """Return a time in UTC with some decimals of its seconds."""
    utc = time.astimezone(timezone.utc)
    fraction = f"{utc.microsecond / 1e6:.{decimals}f}"[1:] if decimals else ""
    return f"{utc:%Y-%m-%d %H:%M:%S}{fraction}"


def format_place(epicenter: Epicenter) -> str:
    """Return coordinates in degrees with hemispheres, to the digits that the uncertainty allows, and the uncertainty."""
    digits = 3 if epicenter.horizontal_uncertainty_km < 10 else 2 if epicenter.horizontal_uncertainty_km < 100 else 1
    return f"{format_coordinates(epicenter.latitude, epicenter.longitude, digits)} ± {epicenter.horizontal_uncertainty_km:.0f} km"


def format_coordinates(latitude: float, longitude: float, digits: int = 2) -> str:
    """Return coordinates in degrees with hemispheres."""
    east = (longitude + 180.0) % 360.0 - 180.0
    return f"{abs(latitude):.{digits}f}° {'N' if latitude >= 0 else 'S'}, {abs(east):.{digits}f}° {'E' if east >= 0 else 'W'}"


def _describe_location(result: LocateResult, place: str, catalog: CatalogEvent | None) -> list[tuple[str, str]]:
    rows = [("Event", TYPES[result.event_type]), ("Probabilities", _list_probabilities(result.probabilities))]
    if result.epicenter is None or result.origin_time is None:
        return rows[:1] + _describe_detection(result)
    rows += [
        ("Region", place),
        ("Origin time", _add_uncertainty(f"{format_time(result.origin_time)} UTC", result.origin_time_uncertainty_s, "s", 1)),
        ("Epicenter", format_place(result.epicenter)),
        ("Depth", _describe_depth(result)),
        ("Force azimuth", _describe_force(result)),
        ("Magnitude", _describe_magnitude(result.source)),
        ("Mechanism", _describe_mechanism(result.source)),
        ("Azimuthal gap", "" if result.azimuthal_gap_deg is None else f"{result.azimuthal_gap_deg:.0f}°"),
        ("Observations", f"distances: {sum(row.used for row in result.offsets)}, arrivals: {len(result.arrivals)}"),
        ("Method", result.method),
        ("Alternatives", "; ".join(format_place(other) for other in result.alternatives)),
        ("Catalog", "" if catalog is None else _compare(result, catalog)),
    ]
    return [row for row in rows if row[1]]


def _list_probabilities(probabilities: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in probabilities.items())


def _describe_force(result: LocateResult) -> str:
    if result.force_azimuth_deg is None:
        return ""
    text = _add_uncertainty(f"{result.force_azimuth_deg:.0f}°", result.force_azimuth_uncertainty_deg, "°", 0)
    return f"{text} (or the opposite)" if result.force_azimuth_ambiguous else text


def _describe_depth(result: LocateResult) -> str:
    """Describe the depth with its uncertainty, and the interval that holds 90 %."""
    if result.depth_km is None:
        return ""
    text, interval = _add_uncertainty(f"{result.depth_km:.0f}", result.depth_uncertainty_km, "km", 0), result.depth_interval_90_km
    return text if interval is None else f"{text} (90 %: {interval[0]:.0f} to {interval[1]:.0f} km)"


def _describe_magnitude(source: SourceEstimate | None) -> str:
    """Describe the size of a source: Mw of a moment tensor, mass times distance of a force."""
    if source is None:
        return ""
    if source.moment_magnitude is not None:
        uncertainty = source.moment_magnitude_uncertainty
        return f"Mw {source.moment_magnitude:.2f}" + ("" if uncertainty is None else f" ± {uncertainty:.2f}")
    return "" if source.force_amplitude_kg_m is None else f"mass times distance {source.force_amplitude_kg_m:.1e} kg m"


def _describe_mechanism(source: SourceEstimate | None) -> str:
    if source is None or not source.constrains:
        return ""
    known = source.mechanism_uncertainty_deg is not None
    uncertainty = f"uncertain by {source.mechanism_uncertainty_deg:.0f}° (68 %)" if known else ""
    if not source.nodal_planes:
        return f"not determined: {uncertainty}" if known else ""
    planes = [" / ".join(f"{plane.get(name, 0.0):.0f}°" for name in ("strike", "dip", "rake")) for plane in source.nodal_planes]
    return f"strike / dip / rake {' or '.join(planes)}" + (f", {uncertainty}" if known else "")


def _compare(result: LocateResult, catalog: CatalogEvent) -> str:
    """Describe how far a location is from an origin of a catalog."""
    if result.epicenter is None or result.origin_time is None:
        return ""
    degrees, _ = measure_path(catalog.latitude, catalog.longitude, result.epicenter.latitude, result.epicenter.longitude)
    later_s = result.origin_time.timestamp() - float(catalog.time.timestamp)
    depth = "" if catalog.depth_km is None else f", depth {catalog.depth_km:.0f} km"
    where = format_coordinates(catalog.latitude, catalog.longitude)
    return f"{catalog.event_id or 'given'}: {where}{depth}; the location is {degrees * KM_PER_DEGREE:.0f} km off, {later_s:+.1f} s"


def _describe_class(result: ClassifyResult) -> list[tuple[str, str]]:
    rows = [("Event", TYPES[result.event_type])]
    rows += [(f"Probability of {name}", f"{value:.3f}") for name, value in result.probabilities.items()]
    rows.append(("Traces used", str(result.traces_used)))
    if result.out_of_distribution:
        rows.append(("Note", "the event may be neither kind of earthquake"))
    return rows + _describe_detection(result)


def _describe_detection(result: ClassifyResult | LocateResult) -> list[tuple[str, str]]:
    if result.detection is None:
        return []
    return [
        ("Detection", f"statistic {result.detection.statistic:.1f}, false-alarm probability {result.detection.false_alarm_probability:.1g}")
    ]


def _add_uncertainty(text: str, uncertainty: float | None, unit: str, digits: int) -> str:
    return f"{text} {unit}" if uncertainty is None else f"{text} ± {uncertainty:.{digits}f} {unit}"


def _draw_pairs(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    table = Table("", "", title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    for name, value in rows:
        table.add_row(name, value)
    return table


def _draw_families(result: ClusterResult) -> Table:
    found = f"{result.k} families" if result.structure_found else f"no families are significant; the best division has {result.k}"
    table = Table("Family", "Events", "Representatives", title=f"Clustering: {found}", title_justify="left", box=None)
    for family in result.clusters:
        table.add_row(str(family.cluster), str(family.size), ", ".join(family.representatives[:MAX_REPRESENTATIVES]))
    return table


def _draw_events(result: LocateManyResult) -> Table:
    title = f"{result.located} of {len(result.events)} events located"
    table = Table("Event", "Type", "Origin time (UTC)", "Epicenter", "Depth, km", title=title, title_justify="left", box=None)
    for entry in result.events:
        found = entry.result
        if found is None or found.epicenter is None or found.origin_time is None:
            table.add_row(entry.event, "none" if found is not None else "failed", "", entry.problem.detail if entry.problem else "", "")
        else:
            depth = "" if found.depth_km is None else f"{found.depth_km:.0f}"
            table.add_row(entry.event, found.event_type, format_time(found.origin_time), format_place(found.epicenter), depth)
    return table


def _draw_warnings(warnings: Sequence[DataWarning]) -> Table:
    """Return a row for each kind of warning, with the first traces or files that it is about."""
    groups: dict[tuple[str, str], list[str]] = {}
    for warning in warnings:
        groups.setdefault((warning.code, warning.detail), []).append(warning.trace or warning.part or "")
    table = Table("Traces or files", "Warning", title="Warnings", title_justify="left", box=None)
    for (code, detail), names in groups.items():
        more = len(names) - MAX_NAMES
        table.add_row(", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else ""), f"{detail} ({code})")
    return table
