"""The result of one evaluated event, what it was and what the service answered; and the file that keeps results."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from models.analysis.event_class import choose_class
from models.array_types import Floats, Integers
from models.registry.store import open_store
from models.specs.event_type import EVENT_CLASSES, ClassAnswer
from models.specs.index import MODELS

NAN = float("nan")
EDITION: Final = 42
"""Raise it when the service answers differently with the same weights, or when a result has other fields."""


@dataclass(frozen=True)
class Truth:
    """True parameters of an event; NaN where its kind has no such parameter or nobody knows it."""

    name: str
    kind: str
    latitude_deg: float
    longitude_deg: float
    depth_km: float
    magnitude: float
    force_azimuth_deg: float
    origin_time_s: float = NAN


@dataclass(frozen=True)
class TraceResults:
    """
    Results of the traces of an event, each array [traces], NaN where unknown.

    `true_deg` and `predicted_deg` are epicentral distances, `sigma_deg` the predicted standard deviation, `origin_errors_s` the
    predicted origin times less the true one, `snr` the signal-to-noise ratios (`training.synthesis.signal_to_noise`), and
    `latitudes_deg` and `longitudes_deg` the stations.
    """

    true_deg: Floats
    predicted_deg: Floats
    sigma_deg: Floats
    origin_errors_s: Floats
    snr: Floats
    latitudes_deg: Floats
    longitudes_deg: Floats


@dataclass(frozen=True)
class EpicenterResult:
    """
    An epicenter compared with the true one; all NaN for an event that was not located.

    `uncertainty_km` is the stated 68 % radius and `gap_deg` the azimuthal gap. `scale_68` is the factor by which the 68 % ellipse of
    the nearest solution, the preferred or an alternative one, must be enlarged to contain the true epicenter; `scale_90` is that of
    the 90 % ellipse. A region contains the truth where its factor is at most 1.
    """

    error_km: float = NAN
    uncertainty_km: float = NAN
    gap_deg: float = NAN
    effective_stations: float = NAN
    scale_68: float = NAN
    scale_90: float = NAN

    @property
    def in_68(self) -> bool:
        """Whether a 68 % region contains the true epicenter."""
        return self.scale_68 <= 1.0

    @property
    def in_90(self) -> bool:
        """Whether a 90 % region contains the true epicenter."""
        return self.scale_90 <= 1.0


UNLOCATED = EpicenterResult()


@dataclass(frozen=True)
class EventResult:
    """
    Truth and answers of one event; NaN where the service gave no answer.

    Attributes
    ----------
    tested_by : names of the splits of the data set that hold the event in their test part
    stations : number of traces whose distance was predicted
    horizontals : number of stations with a pair of horizontal records
    probabilities : of the classes in the order of `EVENT_CLASSES`, as served
    detected, false_alarm_probability : whether an event is detected, and how often noise would be
    ood_score : distance of the section from the training sections (`novelty` on the wire)
    epicenter, by_distances : the served epicenter, and the one that the predicted distances alone give
    network_depth_km, network_depth_sigma_km : the network's output for an event that is an earthquake, whatever its predicted class
    origin_error_s, origin_sigma_s : served origin time less the true one, and its stated standard deviation
    depth_km, depth_sigma_km : the served depth, combined with arrival times; NaN where the class allows none
    network_force_azimuth_deg, network_force_azimuth_sigma_deg : the network's output for an event that is glacial
    force_azimuth_deg, force_azimuth_sigma_deg, force_azimuth_ambiguous : as served; NaN where the class is not glacial
    probability_at_ice : probability that the epicenter lies at an ice sheet
    fraction_in_window : fraction of the stations whose slowest surface waves arrive before the end of the window

    """

    truth: Truth
    tested_by: tuple[str, ...]
    stations: int
    horizontals: int
    traces: TraceResults
    probabilities: tuple[float, ...]
    ood_score: float
    method: str = ""
    epicenter: EpicenterResult = UNLOCATED
    by_distances: EpicenterResult = UNLOCATED
    origin_error_s: float = NAN
    origin_sigma_s: float = NAN
    network_depth_km: float = NAN
    network_depth_sigma_km: float = NAN
    depth_km: float = NAN
    depth_sigma_km: float = NAN
    network_force_azimuth_deg: float = NAN
    network_force_azimuth_sigma_deg: float = NAN
    force_azimuth_deg: float = NAN
    force_azimuth_sigma_deg: float = NAN
    force_azimuth_ambiguous: bool = False
    probability_at_ice: float = NAN
    fraction_in_window: float = NAN
    detected: bool = True
    false_alarm_probability: float = NAN

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> "EventResult":
        """Build a result from its JSON."""
        parts = {
            "truth": Truth(**row["truth"]),
            "traces": TraceResults(**{name: np.array(values, np.float64) for name, values in row["traces"].items()}),
            "epicenter": EpicenterResult(**row["epicenter"]),
            "by_distances": EpicenterResult(**row["by_distances"]),
            "tested_by": tuple(row["tested_by"]),
            "probabilities": tuple(row["probabilities"]),
        }
        return cls(**{**row, **parts})

    @property
    def event_type(self) -> ClassAnswer | Literal["none"]:
        """The answered class: the most probable one, `undetermined`, or `none` where no event was detected."""
        return "none" if not self.detected else choose_class(dict(zip(EVENT_CLASSES, self.probabilities, strict=True)))

    @property
    def most_probable_class(self) -> str:
        """The class of the highest probability, whether it is high enough to be answered or not."""
        return EVENT_CLASSES[int(np.argmax(self.probabilities))]

    @property
    def is_neither(self) -> bool:
        """Whether the event is answered to be neither kind of earthquake for sure: `other`, `undetermined` or `none`."""
        return self.event_type in ("other", "undetermined", "none")

    @property
    def is_right(self) -> bool:
        """Whether the predicted class is the true one."""
        return self.event_type == self.truth.kind

    @property
    def is_located(self) -> bool:
        """Whether there is an epicenter: an event was detected and located."""
        return self.detected and bool(np.isfinite(self.epicenter.error_km))

    @property
    def depth_error_km(self) -> float:
        """Depth predicted by the network less the true one."""
        return self.network_depth_km - self.truth.depth_km

    @property
    def origin_scale(self) -> float:
        """Factor by which the stated deviation of the origin time must be enlarged to reach the true one; NaN where one is unknown."""
        return abs(self.origin_error_s) / self.origin_sigma_s

    @property
    def depth_scale(self) -> float:
        """Factor by which the stated deviation of the served depth must be enlarged to reach the true one; NaN where one is unknown."""
        return abs(self.depth_km - self.truth.depth_km) / self.depth_sigma_km

    @property
    def azimuth_error_deg(self) -> float:
        """Force azimuth predicted by the network less the true one, modulo 180 degrees, in [-90, 90)."""
        return (self.network_force_azimuth_deg - self.truth.force_azimuth_deg + 90.0) % 180.0 - 90.0

    @cached_property
    def snr(self) -> float:
        """Median signal-to-noise ratio of the traces; NaN where none is known."""
        return _median(self.traces.snr)

    @property
    def median_distance_deg(self) -> float:
        """Median true distance of the traces; NaN where no station has coordinates."""
        return _median(self.traces.true_deg)


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else NAN


def select_kind(results: Sequence[EventResult], kind: str) -> list[EventResult]:
    """Select the events of a true kind."""
    return [result for result in results if result.truth.kind == kind]


def select_located(results: Sequence[EventResult]) -> list[EventResult]:
    """Select the events that were located."""
    return [result for result in results if result.is_located]


def collect(results: Sequence[EventResult], value: Callable[[EventResult], float]) -> Floats:
    """Collect a value of every event [events]."""
    return np.array([value(result) for result in results], np.float64)


def stack_traces(results: Sequence[EventResult]) -> tuple[Floats, Integers]:
    """Stack the traces whose distance was predicted: true and predicted distance, sigma, origin error, SNR [n, 5]; their event [n]."""
    columns = [
        np.stack([one.traces.true_deg, one.traces.predicted_deg, one.traces.sigma_deg, one.traces.origin_errors_s, one.traces.snr])
        for one in results
    ]
    events = np.concatenate([np.full(column.shape[1], number) for number, column in enumerate(columns)])
    values = np.concatenate(columns, axis=1).T
    known = np.isfinite(values[:, :4]).all(axis=1)
    return values[known], events[known]


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
    """
    A file of results, one JSON a line, from which a stopped evaluation continues.

    `behavior` describes events, models and switches; a file of another behavior is begun anew.
    """

    path: Path
    behavior: Mapping[str, Any]

    def read(self) -> dict[str, Any]:
        """Read the results as JSON has them, by key, that were obtained with the same behavior."""
        header = json.loads(json.dumps(self.behavior))
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        if not lines or json.loads(lines[0]) != header:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(header) + "\n", encoding="utf-8")
            return {}
        rows = (json.loads(line) for line in lines[1:])
        return {row["key"]: row["result"] for row in rows}

    def append(self, results: Mapping[str, object]) -> None:
        """Append results by key to the file: an EventResult each, or what JSON has."""
        with self.path.open("a", encoding="utf-8") as file:
            for key, result in results.items():
                file.write(json.dumps({"key": key, "result": result}, default=_to_json) + "\n")


def _to_json(value: Any) -> Any:  # noqa: ANN401  (what json.dumps takes)
    return asdict(value) if isinstance(value, EventResult) else np.asarray(value).tolist()
