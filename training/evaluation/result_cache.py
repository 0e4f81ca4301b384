"""Located events in a file, one a line: a stopped run goes on where it was, and rows of other weights or code are not taken."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from models.registry.store import open_store
from models.specs.index import MODELS
from training.config import TrainingSettings
from training.datasets.catalog_replica import ReplicaRecipe
from training.evaluation.location_scores import LocationResult, LocationScore, Truth, locate_twins

Rows = dict[int, LocationResult | None]
"""By the event's number; None for one that could not be located."""


def cached_results(recipe: ReplicaRecipe, settings: TrainingSettings, part: str, numbers: Sequence[int]) -> list[LocationResult]:
    """Events of a part of the twin, located without the calibration of regions, those kept from an earlier run not again."""
    path = settings.build_dir / "location" / f"{part}{'' if recipe.louder == 1.0 else f'_{recipe.louder:g}_times'}.jsonl"
    known = read_results(path, behavior_digest(recipe, settings))
    missing = [number for number in numbers if number not in known]
    for rows in locate_twins(recipe, settings, missing) if missing else ():
        append_results(path, rows)
        known |= rows
    return [row for number in numbers if (row := known[number]) is not None]


def behavior_digest(recipe: ReplicaRecipe, settings: TrainingSettings) -> dict[str, Any]:
    """What rows depend on: the recipe, the weights, the code that locates."""
    store = open_store(settings.artifacts_dir)
    weights = {spec.name: store.verify(spec).digest for spec in MODELS}
    code = sha256(b"".join(file.read_bytes() for file in sorted(Path("models").rglob("*.py")))).hexdigest()
    return {"recipe": recipe.model_dump(mode="json"), "weights": weights, "code": code}


def read_results(path: Path, made: dict[str, Any]) -> Rows:
    """The rows kept there, if they were made alike; else the file is begun anew."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    if not lines or json.loads(lines[0]) != made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made) + "\n", encoding="utf-8")
        return {}
    found = (json.loads(line) for line in lines[1:])
    return {one["number"]: None if one["row"] is None else _row(one["row"]) for one in found}


def append_results(path: Path, rows: Rows) -> None:
    """Append rows."""
    with path.open("a", encoding="utf-8") as file:
        for number, row in rows.items():
            file.write(json.dumps({"number": number, "row": None if row is None else asdict(row)}) + "\n")


def _row(said: dict[str, Any]) -> LocationResult:
    parts = {"truth": Truth(**said["truth"]), "best": LocationScore(**said["best"]), "offsets": LocationScore(**said["offsets"])}
    return LocationResult(**(said | parts))
