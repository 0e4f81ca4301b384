"""Results of simulated events, each computed once and kept as a line of JSON, so that a stopped experiment continues."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any


def continue_results[Result](
    path: Path, count: int, parse: Callable[[Any], Result], compute: Callable[[int], Iterable[Result]]
) -> Iterator[Result]:
    """
    Yield so many results: those that the file has, read by `parse`, then those of `compute`, each added to the file before it is yielded.

    `compute` takes the number of the first result that is missing, and yields those from there on. Results consist of dataclasses and of
    what JSON has.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    yield from (parse(json.loads(line)) for line in lines[:count])
    if len(lines) >= count:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    for result in compute(len(lines)):
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result, default=asdict) + "\n")
        yield result
