"""Results of evaluated events in a file, one JSON a line: a stopped evaluation continues, and results of other weights are not reused."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.registry.store import open_store
from models.specs.index import MODELS
from training.evaluation.event_result import EpicenterResult, EventResult, TraceResults, Truth

EDITION: Final = 1
"""Raise it when the service answers differently with the same weights, or when a result has other fields."""

Results = dict[str, EventResult | None]
"""Results by key of the event; None for an event that cannot be evaluated."""


def describe_models(artifacts: Path, *, calibrated: bool) -> dict[str, Any]:
    """Describe what answers depend on: the edition, digests of the weights and, where regions are calibrated, the cards' calibrations."""
    store = open_store(artifacts)
    cards = {spec.name: store.verify(spec) for spec in MODELS}
    calibrations = {name: card.calibration for name, card in cards.items()} if calibrated else {}
    return {"edition": EDITION, "weights": {name: card.digest for name, card in cards.items()}, "calibrations": calibrations}


@dataclass(frozen=True)
class ResultCache:
    """A file of results. `behavior` describes events, models and switches; a file of another behavior is begun anew."""

    path: Path
    behavior: Mapping[str, Any]

    def read(self) -> Results:
        """Read the results that were obtained with the same behavior."""
        header = json.loads(json.dumps(self.behavior))
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        if not lines or json.loads(lines[0]) != header:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(header) + "\n", encoding="utf-8")
            return {}
        rows = (json.loads(line) for line in lines[1:])
        return {row["key"]: None if row["result"] is None else parse_result(row["result"]) for row in rows}

    def append(self, results: Results) -> None:
        """Append results to the file."""
        with self.path.open("a", encoding="utf-8") as file:
            for key, result in results.items():
                content = None if result is None else asdict(result)
                file.write(json.dumps({"key": key, "result": content}, default=_to_list) + "\n")


def _to_list(value: object) -> Any:  # noqa: ANN401  (what json.dumps takes)
    return np.asarray(value).tolist()


def parse_result(row: Mapping[str, Any]) -> EventResult:
    """Build a result from its JSON."""
    parts = {
        "truth": Truth(**row["truth"]),
        "traces": TraceResults(**{name: np.array(values, np.float64) for name, values in row["traces"].items()}),
        "epicenter": EpicenterResult(**row["epicenter"]),
        "by_distances": EpicenterResult(**row["by_distances"]),
        "tested_by": tuple(row["tested_by"]),
        "probabilities": tuple(row["probabilities"]),
    }
    return EventResult(**{**row, **parts})
