"""docs/explanation/location.md: where events of the catalog twin and real ones are located, and whether the stated regions hold them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.config import TrainingSettings, load_recipe
from training.datasets.catalog_replica import ReplicaRecipe, select_replica_split
from training.datasets.splits import SPLIT_NAMES
from training.evaluation.location_scores import LocationResult, evaluate_location, open_models, recalibrate
from training.evaluation.location_tables import HEADS, coverage_figure, error_figure, error_table, line, median_of, overview, share_of
from training.evaluation.markdown import markdown_table, write_part
from training.evaluation.real_events import read_chosen_events, real_truth
from training.evaluation.result_cache import cached_results

PAGE = Path("docs/explanation/location.md")
FIGURES = Path("docs/figures")
STATIONS = (4, 60)
REAL_HEADS = (
    "event",
    "stations",
    "with horizontals",
    "gap",
    "error km",
    "by verticals alone",
    "by offsets alone",
    "stated km",
    "in 68 %",
    "in 90 %",
    "method",
    "depth error km",
)


def twin_recipe(store: str | None) -> ReplicaRecipe:
    """The twin's recipe with few and many stations, at another store where one is named."""
    stated = load_recipe("twin", ReplicaRecipe)
    return stated.model_copy(update={"stations": STATIONS} | ({} if store is None else {"store": store}))


def report_moment_scale(settings: TrainingSettings, store: str | None, most: int | None, louder: float) -> None:
    """Locate the same events so many times as large; write what the noise keeps from the reader, and what it does not."""
    numbers, rows = _tested(twin_recipe(store).model_copy(update={"louder": louder}), settings, most)
    command = f"`python -m training location --louder {louder:g}{'' if most is None else f' --most {most}'}`"
    larger = f"{louder:g} times their moments and forces ({2.0 / 3.0 * np.log10(louder):+.1f} in magnitude)"
    said = f"{command}: the same {len(numbers)} events with {larger}, {len(rows)} located; in the same noise."
    write_part(PAGE, "louder", "\n\n".join((said, markdown_table(HEADS, overview(rows)), page_sources(rows))))


def _tested(chosen: ReplicaRecipe, settings: TrainingSettings, most: int | None) -> tuple[list[int], list[LocationResult]]:
    """Numbers of the test events of a twin, and those that can be located, regions stretched as the card says."""
    numbers = select_replica_split(chosen, settings, SPLIT_NAMES[2])[:most]
    tables = open_models(settings)["offset"].card.calibration
    return numbers, [recalibrate(row, tables) for row in cached_results(chosen, settings, SPLIT_NAMES[2], numbers)]


def report_twin(settings: TrainingSettings, store: str | None, most: int | None) -> None:
    """Locate the test part of the twin; write its table, figures and what depth and azimuth came to."""
    chosen = twin_recipe(store)
    numbers, rows = _tested(chosen, settings, most)
    error_figure(rows, FIGURES / "location_errors.png")
    coverage_figure(rows, FIGURES / "location_coverage.png")
    stores = chosen.store if isinstance(chosen.store, str) else ", ".join(chosen.store)
    said = (
        f"`python -m training location{'' if store is None else f' --store {store}'}{'' if most is None else f' --most {most}'}`: "
        f"{len(numbers)} events of the test part (seed {chosen.seed}), drawn through {stores} with {STATIONS[0]} to {STATIONS[1]} "
        f"stations at {chosen.distances_deg[0]:g} to {chosen.distances_deg[1]:g} degrees, {len(rows)} of them located; intervals are "
        "95 %, of shares after Wilson, of medians by bootstrap. A region is the ellipse of the epicenter and those of its alternatives."
    )
    pictures = "\n".join(f"![{name}](figures/location_{name}.png)" for name in ("errors", "coverage"))
    write_part(PAGE, "twin", "\n\n".join((said, error_table(rows), page_sources(rows), pictures)))


def page_sources(rows: Sequence[LocationResult]) -> str:
    """Class, depth and force azimuth in words; what was called by the wrong class counts as a miss."""
    quakes = [row for row in rows if row.truth.kind == "earthquake"]
    ice = [row for row in rows if row.truth.kind == "glacial"]
    depth = np.array([row.depth_km - row.truth.depth_km for row in quakes])
    turn = np.array([row.force_azimuth_deg - row.truth.force_azimuth_deg for row in ice])
    line_off, way_off = np.abs((turn + 90.0) % 180.0 - 90.0), np.abs((turn + 180.0) % 360.0 - 180.0)
    answered = np.isfinite(turn)
    sure = answered & ~np.array([row.ambiguous for row in ice], bool)
    return "\n".join((
        f"- Class right: {share_of([row.said == row.truth.kind for row in rows])}.",
        f"- Depth within 10 km (two-sided; another class is a miss): {share_of(list(np.abs(depth) <= 10.0))}; "
        f"median error where one was said {median_of(np.abs(depth[np.isfinite(depth)]).tolist(), 1)} km.",
        f"- Force azimuth within 10 degrees modulo 180 (another class is a miss): {share_of(list(line_off <= 10.0))}; "
        f"median error where one was said {median_of(line_off[answered].tolist(), 1)} degrees.",
        f"- Sign of the force right: {share_of(list(way_off[answered] < 90.0))}; where it is not called ambiguous "
        f"{share_of(list(way_off[sure] < 90.0))}.",
    ))  # fmt: skip


def report_real(settings: TrainingSettings, folder: Path) -> None:
    """Locate the real events of a folder, with horizontal records and without; write a line each and what the goals are stated for."""
    models = open_models(settings)
    rows, upright, having, lost = [], [], [], []
    for place in sorted(path.parent for path in folder.glob("*/event.json")):
        truth = real_truth(json.loads((place / "event.json").read_text()))
        records = read_chosen_events(place)
        row, plain = (
            evaluate_location(models, some, truth) for some in (records, [replace(record, horizontals=None) for record in records])
        )
        if row is None or plain is None:
            lost.append(truth.name)
        else:
            rows.append(row)
            upright.append(plain)
            having.append(sum(record.horizontals is not None for record in records))
    many = [row for row in rows if row.stations >= 8]
    groups = [
        line("8 stations or more", many),
        line("of these, gap below 180", [row for row in many if row.best.gap_deg < 180.0]),
        line("of these, gap of 180 and above", [row for row in many if row.best.gap_deg >= 180.0]),
        line("all located", rows),
        line("the same by verticals alone", upright),
    ]
    said = f"`python -m training location --real FOLDER`. Not located (fewer than two stations): {', '.join(lost) or 'none'}."
    lines = [real_line(*told) for told in zip(rows, upright, having, strict=True)]
    write_part(PAGE, "real", "\n\n".join((said, markdown_table(HEADS, groups), markdown_table(REAL_HEADS, lines))))


def real_line(row: LocationResult, upright: LocationResult, having: int) -> tuple[str, ...]:
    """One real event, as found with all of its records and by the vertical ones alone, and how many stations have horizontals."""
    return (
        row.truth.name,
        str(row.stations),
        str(having),
        f"{row.best.gap_deg:.0f}",
        f"{row.best.error_km:.0f}",
        f"{upright.best.error_km:.0f}",
        f"{row.offsets.error_km:.0f}",
        f"{row.best.stated_km:.0f}",
        "yes" if row.best.inner <= 1.0 else "no",
        "yes" if row.best.outer <= 1.0 else "no",
        row.method,
        f"{row.depth_km - row.truth.depth_km:+.0f}" if np.isfinite(row.depth_km) else "",
    )
