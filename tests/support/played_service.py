"""
The real HTTP interface on a port of loopback, with a thread that plays the worker: jobs end at once with made-up results.

What the worker does follows from the name of the first part: `broken*` fails with a problem that names the part, `none*` shows no event,
`undetermined*` has no class, `hold*` runs until `release` is called or the job is canceled; everything else succeeds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import structlog
from redis import Redis

from app.server import create_server
from models.specs.index import MODELS
from workers.contracts import DataWarning, JobKind, JobRecord, PartProblem, Problem, Status, WorkerState
from workers.exports.tables import classify_products, cluster_products, locate_many_products, locate_products
from workers.queue.connection import connect
from workers.queue.lifecycle import AlreadyEnded, Canceled
from workers.queue.records import Records
from workers.results import ClassifyResult, ClusterResult, LocatedEvent, LocateManyResult, LocateResult
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings
from workers.storage.blobs import open_blobs
from workers.storage.result_keys import figure_key, result_key

PAUSE_S = 0.02
BEAT_EVERY = 100
ELLIPSE = {"semi_major_km": 30.0, "semi_minor_km": 18.0, "azimuth_deg": 40.0, "confidence_level": 68.0}
DETECTION = {"detected": True, "statistic": 9.3, "false_alarm_probability": 1e-6}
LOCATION = {
    "event_type": "earthquake",
    "epicenter": {"latitude": 38.2, "longitude": 142.7, "horizontal_uncertainty_km": 21.0, "ellipse": ELLIPSE},
    "origin_time": datetime(2001, 9, 9, 1, 46, 36, 25_000, UTC),
    "origin_time_uncertainty_s": 4.0,
    "depth_km": 28.0,
    "depth_uncertainty_km": 9.0,
    "depth_interval_90_km": [12.0, 45.0],
    "force_azimuth_deg": None,
    "force_azimuth_uncertainty_deg": None,
    "force_azimuth_ambiguous": None,
    "offsets": [{"trace": "IU.CHTO.00.LHZ", "distance_deg": 41.0, "distance_uncertainty_deg": 0.8, "residual_deg": 0.1, "used": True}],
    "arrivals": [
        {"trace": "IU.CHTO.00.LHZ", "phase": "P", "time": datetime(2001, 9, 9, 1, 54, tzinfo=UTC), "residual_s": 0.4, "uncertainty_s": 1.0}
    ],
    "azimuthal_gap_deg": 63.0,
    "method": "distances+arrival-times",
    "models": [{"name": "offset", "version": "4"}],
    "detection": DETECTION,
    "source": {
        **{"kind": "moment-tensor", "constrains": True, "log_likelihood": 400.0, "variance_reduction": 0.6},
        **{"moment_magnitude": 6.5, "moment_magnitude_uncertainty": 0.2},
        "nodal_planes": [{"strike": 325.0, "dip": 89.0, "rake": 19.0}],
    },
}
NOTHING = {
    **dict.fromkeys(name for name, value in LOCATION.items() if not isinstance(value, str | list)),
    **{"event_type": "none", "offsets": [], "models": LOCATION["models"], "method": "none"},
    "detection": {"detected": False, "statistic": 1.1, "false_alarm_probability": 0.4},
}
CLASSIFICATION = {
    "event_type": "glacial",
    "probabilities": {"earthquake": 0.03, "glacial": 0.96, "other": 0.01},
    "reference_point": {"latitude": 66.4, "longitude": -38.1, "source": "predicted"},
    "traces_used": 42,
    "model": {"name": "event_type", "version": "5"},
    "out_of_distribution": False,
    "novelty": 0.4,
    "detection": DETECTION,
}
FAMILIES = {
    "k": 2,
    "structure_found": True,
    "assignments": [{"event": f"a{number}", "cluster": number % 2, "confidence": 0.9} for number in range(4)],
    "selection": [{"k": 2, "loss": 0.6, "stability": 0.7, "silhouette": 0.4}],
    "clusters": [{"cluster": cluster, "size": 2, "representatives": [f"a{cluster}"]} for cluster in range(2)],
    "model": {"name": "families", "version": "2"},
    "fine_tuned": False,
}


@dataclass
class PlayedService:
    """A running service: its address and settings, and the jobs that were held."""

    url: str
    settings: Settings
    redis: Redis
    released: set[str] = field(default_factory=set)

    def release(self, job_id: str) -> None:
        """Let a held job end."""
        self.released.add(job_id)

    def count_jobs(self) -> int:
        """Return the number of jobs that exist."""
        return int(self.redis.zcard("atlas:jobs"))


@contextmanager
def play_service(folder: Path) -> Iterator[PlayedService]:
    """Run the interface, an embedded queue server and the played worker. What they log is dropped meanwhile: it would go to the output."""
    configuration = structlog.get_config()
    structlog.configure(processors=[_drop])
    try:
        with _run_service(folder) as service:
            yield service
    finally:
        structlog.configure(**configuration)


async def _announce() -> None:
    """Print nothing."""


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


@contextmanager
def _run_service(folder: Path) -> Iterator[PlayedService]:
    settings = Settings(data_dir=folder, port=0, keys_file=folder / "keys.json", shutdown_s=1.0)
    with EmbeddedQueue(settings), connect(settings) as redis:
        server = create_server(settings)
        server._announce = _announce  # type: ignore[method-assign]
        listening = threading.Thread(target=server.run, daemon=True)
        listening.start()
        while not server.started:
            listening.join(PAUSE_S)
        service = PlayedService(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", settings, redis)
        over = threading.Event()
        working = threading.Thread(target=_work, args=(service, over), daemon=True)
        working.start()
        try:
            yield service
        finally:
            over.set()
            server.should_exit = True
            working.join(10)
            listening.join(10)


def _beat(records: Records) -> None:
    state = {"id": "worker", "pid": 1, "started_at": datetime.now(UTC), "execution_provider": "CPUExecutionProvider"}
    records.record_heartbeat(WorkerState.model_validate({**state, "models": {spec.name: "1" for spec in MODELS}}))


def _work(service: PlayedService, over: threading.Event) -> None:
    """Begin queued jobs and end those that are not held, until the service is over."""
    with connect(service.settings) as redis:
        records = Records(redis, service.settings)
        held: list[JobRecord] = []
        beats = 0
        while not over.wait(PAUSE_S):
            if beats % BEAT_EVERY == 0:
                _beat(records)
            beats += 1
            begun = [record for job_id in records.list_queued() if (record := records.begin(job_id, "worker")) is not None]
            open_jobs, held = [*held, *begun], []
            for record in open_jobs:
                if not _advance(records, service, record):
                    held.append(record)


def _advance(records: Records, service: PlayedService, record: JobRecord) -> bool:
    """End a job unless it is held; return whether it has ended."""
    name = record.submission.parts[0].name
    try:
        records.advance(record.id, record.attempt, "search", 0.5)
        if name.startswith("hold") and record.id not in service.released:
            return False
        if name.startswith("broken"):
            parts = [PartProblem(name=name, code="unreadable-waveform", detail="record 3 is cut off")]
            problem = Problem(
                type="/problems/no-usable-trace", title="No usable trace", status=422, detail="no record is left", parts=parts
            )
            records.finish(record.id, record.attempt, Status.FAILED, problem=problem)
        else:
            _succeed(records, service, record, name)
    except Canceled:
        records.finish(record.id, record.attempt, Status.CANCELED)
    except AlreadyEnded:
        pass
    return True


def _succeed(records: Records, service: PlayedService, record: JobRecord, name: str) -> None:
    result, products = _make_result(record, name)
    blobs = open_blobs(service.settings)
    blobs.put(result_key(record), result.model_dump_json().encode())
    for file_format, data in products.items():
        blobs.put(result_key(record, file_format), data)
    blobs.put(figure_key(record, "section"), b"\x89PNG\r\n\x1a\n")
    warnings = [DataWarning(trace="IU.CHTO.00.LHZ", code="gaps", detail="2 gaps, filled")]
    stored = {"figures": ["section"], "formats": list(products), "warnings": warnings}
    records.finish(record.id, record.attempt, Status.SUCCEEDED, **stored)


def _make_result(record: JobRecord, name: str) -> tuple[ClassifyResult | LocateResult | LocateManyResult | ClusterResult, dict[str, bytes]]:
    """Return the result of a job and its products."""
    if record.submission.kind is JobKind.CLUSTER:
        families = ClusterResult.model_validate(FAMILIES)
        return families, cluster_products(families)
    if record.submission.kind is JobKind.CLASSIFY:
        event_type = next((kind for kind in ("none", "undetermined") if name.startswith(kind)), "glacial")
        classified = ClassifyResult.model_validate({**CLASSIFICATION, "event_type": event_type})
        return classified, classify_products(classified)
    location = LocateResult.model_validate(NOTHING if name.startswith("none") else LOCATION)
    if not record.submission.options.many:
        return location, locate_products(record, location, "ATLAS")
    problem = Problem(type="/problems/no-usable-trace", title="No usable trace", status=422, detail="no vertical record")
    events = [LocatedEvent(event="a1", result=location, problem=None), LocatedEvent(event="a2", result=None, problem=problem)]
    many = LocateManyResult(events=events, located=1)
    return many, locate_many_products(record, many, {"a1": locate_products(record, location, "ATLAS")})
