"""Queue server, supervised workers and toy models: jobs and their results, also when a worker is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support import recordings
from workers.contracts import JobKind, JobRecord, Options, Part, Status, Submission
from workers.queue.connection import connect
from workers.queue.dispatch import Dispatcher
from workers.queue.records import Records, job_key
from workers.results import ClassifyResult, ClusterResult, LocateResult
from workers.runtime.supervisor import ROOT, Supervisor, worker_environment
from workers.settings import Settings
from workers.storage.blobs import open_blobs
from workers.storage.result_keys import figure_key, result_key

pytestmark = pytest.mark.slow

PATIENCE_S = 90.0


class Service:
    """A client of the running workers."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.redis = settings, connect(settings)
        self.records, self.blobs = Records(self.redis, settings), open_blobs(settings)

    def submit(self, kind: JobKind, files: dict[str, bytes], **options: object) -> str:
        """Submit a job and return its id."""
        parts = tuple(self.upload(name, data) for name, data in files.items())
        job_id = uuid4().hex
        Dispatcher(self.redis, self.settings).submit(Submission(kind=kind, parts=parts, options=Options(**options)), "", job_id)
        return job_id

    def upload(self, name: str, data: bytes) -> Part:
        """Store an upload."""
        with self.blobs.writer() as writer:
            writer.write(data)
            blob = writer.commit()
        return Part(name=name, digest=blob.digest, size_bytes=blob.size_bytes)

    def wait_for_status(self, job_id: str, *statuses: Status) -> JobRecord:
        """Return the record as soon as it has one of the statuses."""
        deadline = time.monotonic() + PATIENCE_S
        with self.redis.pubsub(ignore_subscribe_messages=True) as listener:
            listener.subscribe(job_key(job_id))
            while time.monotonic() < deadline:
                record = self.records.get(job_id)
                assert record is not None
                if record.status in statuses:
                    return record
                listener.get_message(timeout=1.0)
        raise AssertionError(f"still {record.status} in stage {record.stage}")

    def wait_for_end(self, job_id: str) -> JobRecord:
        """Return the record when the job has ended."""
        return self.wait_for_status(job_id, Status.SUCCEEDED, Status.FAILED, Status.CANCELED)


def wait_for_workers(records: Records, count: int) -> list[int]:
    """Return process ids when that many workers have sent a heartbeat."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        states = records.list_workers()
        if len(states) >= count:
            return [state.pid for state in states]
        time.sleep(0.05)
    raise AssertionError(f"{len(states)} workers of {count}")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, toy_artifacts: Path) -> Settings:
    folder = tmp_path_factory.mktemp("service")
    return Settings(
        data_dir=folder, artifacts_dir=toy_artifacts, workers=1, threads=1, heartbeat_s=0.5, heartbeat_ttl_s=3.0, store_patience_s=1.0
    )


@pytest.fixture(scope="module")
def service(settings: Settings) -> Iterator[Service]:
    with Supervisor(settings):
        client = Service(settings)
        wait_for_workers(client.records, 1)
        yield client
        client.redis.close()


@pytest.fixture(scope="module")
def event() -> dict[str, bytes]:
    """Six stations around the pole, an hour each."""
    stations = [("XX", f"S{number}", 40.0 + 5 * number, 60.0 * number) for number in range(6)]
    traces = [(f"XX.S{number}.00.LHZ", 0.0, 1.0, recordings.wave(3600, seed=number)) for number in range(6)]
    return {"event.mseed": recordings.miniseed(*traces), "stations.csv": recordings.stations_csv(*stations)}


def test_classification(service: Service, event: dict[str, bytes]):
    record = service.wait_for_end(service.submit(JobKind.CLASSIFY, event))
    assert record.status is Status.SUCCEEDED, record.problem
    result = ClassifyResult.model_validate_json(service.blobs.get(result_key(record)))
    assert result.traces_used == 6
    assert sum(result.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
    assert record.figures == ["section"]
    assert service.blobs.get(figure_key(record, "section")).startswith(b"\x89PNG")
    assert (record.attempt, record.progress, record.stage) == (1, 1.0, "finished")


def test_location(service: Service, event: dict[str, bytes]):
    record = service.wait_for_end(service.submit(JobKind.LOCATE, event, event_type="glacial"))
    assert record.status is Status.SUCCEEDED, record.problem
    result = LocateResult.model_validate_json(service.blobs.get(result_key(record)))
    assert result.event_type == "glacial"
    assert (result.depth_km, result.force_azimuth_ambiguous) == (None, True)
    assert [model.name for model in result.models] == ["offset", "force_azimuth"]
    assert len(result.offsets) == 6
    assert sorted(record.figures) == ["map", "offsets", "residuals", "section"]
    assert sorted(record.formats) == ["csv", "geojson", "quakeml"]
    feature = json.loads(service.blobs.get(result_key(record, "geojson")))["features"][0]
    assert feature["geometry"]["coordinates"][1] == pytest.approx(result.epicenter.latitude, abs=1e-4)


def test_the_same_event_gets_the_same_answer(service: Service, event: dict[str, bytes]):
    first, second = (service.wait_for_end(service.submit(JobKind.LOCATE, event)) for _ in range(2))
    assert service.blobs.get(result_key(first)) == service.blobs.get(result_key(second))


def test_clustering(service: Service):
    many = {}
    for number in range(12):
        waves = [(f"XX.S{station}.00.LHZ", 0.0, 1.0, recordings.wave(1800, seed=100 * number + station)) for station in range(3)]
        many[f"anomaly_{number:03d}.mseed"] = recordings.miniseed(*waves)
    stations = [("XX", f"S{station}", 40.0 + 5 * station, 60.0 * station) for station in range(3)]
    record = service.wait_for_end(
        service.submit(JobKind.CLUSTER, {**many, "stations.csv": recordings.stations_csv(*stations)}, k_min=2, k_max=4)
    )
    assert record.status is Status.SUCCEEDED, record.problem
    result = ClusterResult.model_validate_json(service.blobs.get(result_key(record)))
    assert [row.event for row in result.assignments] == [f"anomaly_{number:03d}" for number in range(12)]
    assert sum(cluster.size for cluster in result.clusters) == 12
    assert {row.k for row in result.selection} == {2, 3, 4}
    assert {"contact_sheet", "families", "family_0"} <= set(record.figures)
    assert result.k_of_smallest_loss in {2, 3, 4}


def test_fine_tuning_is_declined_without_workers_for_it(service: Service, event: dict[str, bytes]):
    record = service.wait_for_end(service.submit(JobKind.CLUSTER, event, fine_tune=True))
    assert record.problem is not None
    assert (record.status, record.problem.type, record.problem.status) == (Status.FAILED, "/problems/fine-tune-unavailable", 422)


def test_a_part_that_is_not_a_waveform_is_named(service: Service):
    record = service.wait_for_end(service.submit(JobKind.CLASSIFY, {"broken.mseed": b"\0" * 4096}))
    assert record.status is Status.FAILED
    assert record.problem is not None
    assert record.problem.status == 422
    assert [part.name for part in record.problem.parts] == ["broken.mseed"]


def test_a_station_without_coordinates_is_a_warning(service: Service, event: dict[str, bytes]):
    record = service.wait_for_end(service.submit(JobKind.CLASSIFY, {"event.mseed": event["event.mseed"]}))
    assert {warning.code for warning in record.warnings} >= {"no-coordinates"}
    assert {warning.trace for warning in record.warnings} >= {"XX.S0.00.LHZ"}


def test_a_missing_upload_fails_the_job(service: Service):
    part = Part(name="gone.mseed", digest="0" * 64, size_bytes=1)
    submission = Submission(kind=JobKind.CLASSIFY, parts=(part,), options=Options())
    Dispatcher(service.redis, service.settings).submit(submission, "", "gone")
    record = service.wait_for_end("gone")
    assert record.problem is not None
    assert record.problem.type == "/problems/blob-missing"


def test_a_job_survives_the_kill_of_its_worker(service: Service, event: dict[str, bytes]):
    [pid] = wait_for_workers(service.records, 1)
    job_id = service.submit(JobKind.LOCATE, event)
    service.wait_for_status(job_id, Status.RUNNING)
    os.kill(pid, signal.SIGKILL)
    record = service.wait_for_end(job_id)
    assert record.status is Status.SUCCEEDED, record.problem
    assert record.attempt == 2
    assert wait_for_workers(service.records, 1) != [pid]


def test_a_worker_without_artifacts_logs_the_cause_and_ends(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, artifacts_dir=tmp_path / "none")
    command = [sys.executable, "-m", "workers", "--one", "w"]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | worker_environment(settings), capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert ended.returncode == 1
    line = json.loads(ended.stderr.splitlines()[-1])
    assert (line["event"], line["error"]) == ("workers cannot start", "UnknownModel")
