"""The whole service, started as one command with toy models, over HTTP."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import matplotlib as mpl
import matplotlib.pyplot as plt
import obspy
import pytest
from redis import Redis

from seismic_atlas_client import Client
from tests.support import recordings
from tests.support.fdsn_server import EVENT_ID, serve_fdsn, write_bundle_folder
from workers.contracts import JobKind, Options, Part, Submission
from workers.queue.connection import connect
from workers.queue.dispatch import Dispatcher
from workers.queue.records import Records
from workers.runtime.supervisor import worker_environment
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = ROOT / "app" / "demo_bundles"
PATIENCE_S = 240.0
"""Timeout on a busy machine; the tests wait for events, not for this time."""
MAX_BODY_MIB = 16
mpl.use("Agg")
WAIT = {"Prefer": "wait=110"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Files = list[tuple[str, tuple[str, bytes]]]


class Running(NamedTuple):
    """A service that is ready."""

    process: subprocess.Popen[str]
    url: str
    data: Path

    def pids(self) -> list[int]:
        """Process ids of the queue server and the workers."""
        settings = Settings(data_dir=self.data)
        with connect(settings) as redis:
            info: dict[str, Any] = redis.info("server")
            return [int(info["process_id"]), *(state.pid for state in Records(redis, settings).list_workers())]


def start_process(data: Path, artifacts: Path, log: Path, *flags: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if name != "REDIS_URL" and not name.startswith("ATLAS_")}
    own = {"ATLAS_ARTIFACTS_DIR": str(artifacts), "ATLAS_THREADS": "1", "ATLAS_STORE_PATIENCE_S": "1"}
    own["ATLAS_MAX_BODY_BYTES"] = str(MAX_BODY_MIB * 2**20)
    arguments = [sys.executable, "-m", "app", "--port", "0", "--data", str(data), *flags]
    with log.open("wb") as errors:
        return subprocess.Popen(arguments, cwd=ROOT, env=clean | own, stdout=subprocess.PIPE, stderr=errors, text=True)


@contextmanager
def start_service(data: Path, artifacts: Path, *flags: str) -> Iterator[Running]:
    log = data.parent / f"{data.name}.log"
    process = start_process(data, artifacts, log, *flags)
    timer = threading.Timer(PATIENCE_S, process.kill)
    timer.start()
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        timer.cancel()  # it limits the start, not the tests
        found = re.search(r"ready at (http://\S+)/ ", line)
        assert found, log.read_text()[-3000:]
        yield Running(process, found[1], data)
    finally:
        timer.cancel()
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, toy_artifacts: Path) -> Iterator[Running]:
    """The service of most tests; after the last of them SIGTERM has to end it."""
    with start_service(tmp_path_factory.mktemp("service") / "data", toy_artifacts) as service:
        yield service
        check_end(service, signal.SIGTERM)


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, timeout=120) as opened:
        yield opened


@pytest.fixture(scope="module")
def event() -> Files:
    """Six stations around the pole, an hour each."""
    stations = [("XX", f"S{number}", 40.0 + 5 * number, 60.0 * number) for number in range(6)]
    traces = [(f"XX.S{number}.00.LHZ", 0.0, 1.0, recordings.wave(3600, seed=number)) for number in range(6)]
    waveforms, table = recordings.miniseed(*traces), recordings.stations_csv(*stations)
    return [("bundle", ("event.mseed", waveforms)), ("bundle", ("stations.csv", table))]


def test_readiness_names_the_execution_provider_and_the_models(client):
    state = client.get("/health/ready").json()
    assert state["execution_provider"]
    assert set(state["models"]) == {"event_type", "offset", "depth", "force_azimuth", "families"}
    assert {card["name"] for card in client.get("/models").json()} == set(state["models"])
    assert client.get("/models/offset").json()["version"] == state["models"]["offset"]


def test_an_event_is_classified_within_the_wait(client, event):
    answer = client.post("/events/classify", files=event, headers=WAIT)
    job = answer.json()
    assert (answer.status_code, job["status"], job["problem"]) == (200, "succeeded", None)
    assert job["result"]["traces_used"] == 6
    assert sum(job["result"]["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    assert (job["progress"], job["stage"], len(job["links"]["figures"])) == (1.0, "finished", 1)
    assert client.get(job["links"]["figures"][0]).content.startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def located(client: httpx.Client, event: Files) -> dict[str, Any]:
    job = client.post("/events/locate", files=event, data={"event_type": "earthquake"}, headers=WAIT).json()
    assert job["status"] == "succeeded", job["problem"]
    return job


def test_an_event_is_located_with_a_result_in_every_format(client, located):
    job = located
    assert job["result"]["depth_km"] is not None
    assert set(job["formats"]) == {"json", "quakeml", "geojson", "csv"}
    epicenter = job["result"]["epicenter"]
    texts = {name: client.get(job["links"]["result"], params={"format": name}).text for name in job["formats"]}
    assert json.loads(texts["json"]) == job["result"]
    assert json.loads(texts["geojson"])["features"][0]["geometry"]["coordinates"][:2] == pytest.approx(
        [epicenter["longitude"], epicenter["latitude"]], abs=1e-4
    )
    assert "<quakeml" in texts["quakeml"] or ":quakeml" in texts["quakeml"]
    assert len(texts["csv"].splitlines()) == 1 + len(job["result"]["offsets"])


class Mixed(NamedTuple):
    """Jobs of all kinds that have ended, by path of the request, and what the queue server held before, while and after they ran."""

    jobs: dict[str, dict[str, Any]]
    stored: set[tuple[bytes, bytes]]


@pytest.fixture(scope="module")
def mixed(running: Running, client: httpx.Client, event: Files) -> Mixed:
    """A classification without coordinates, a location and a clustering of too few events, each followed by a part that is a pickle."""
    evil = [("bundle", ("a.mseed", b"cposix\nsystem\n(S'x'\ntR.obspy.core.stream"))]
    requests = {"/events/classify": event[:1], "/events/locate": event, "/anomalies/cluster": event}
    with connect(Settings(data_dir=running.data)) as redis:
        links = {}
        for path, files in requests.items():
            links[path] = client.post(path, files=files, data={"event_type": "earthquake"} if "locate" in path else None).json()["links"][
                "self"
            ]
            links[f"{path} of a pickle"] = client.post(path, files=evil).json()["links"]["self"]
        stored = values(redis)
        jobs = {path: client.get(link, params={"wait": 100}).json() for path, link in links.items()}
        return Mixed(jobs, stored | values(redis))


def test_the_same_event_gets_the_same_answer(client, located, mixed):
    again = mixed.jobs["/events/locate"]
    assert again["id"] != located["id"]
    assert client.get(again["links"]["result"]).content == client.get(located["links"]["result"]).content


def test_the_progress_of_a_glacial_earthquake_is_streamed_up_to_the_azimuth_of_its_force(client, event):
    job = client.post("/events/locate", files=event, data={"event_type": "glacial"}).json()
    names, stages = [], []
    with client.stream("GET", job["links"]["events"]) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
            elif line.startswith("data: "):
                stages.append(json.loads(line.removeprefix("data: "))["stage"])
    assert names[-1] == "job"
    assert set(names[:-1]) == {"progress"}
    assert stages[-1] == "finished"
    job = client.get(job["links"]["self"]).json()
    assert job["status"] == "succeeded", job["problem"]
    result = job["result"]
    assert (result["event_type"], result["depth_km"], result["force_azimuth_ambiguous"]) == ("glacial", None, True)
    assert [model["name"] for model in result["models"]] == ["offset", "force_azimuth"]
    assert sorted(Path(link).stem for link in job["links"]["figures"]) == ["map", "offsets", "residuals", "section"]


def test_many_events_are_clustered_into_families(client):
    waves = {
        f"anomaly_{number:03d}.mseed": recordings.miniseed(
            *[(f"XX.S{station}.00.LHZ", 0.0, 1.0, recordings.wave(1800, seed=100 * number + station)) for station in range(3)]
        )
        for number in range(8)
    }
    table = recordings.stations_csv(*[("XX", f"S{station}", 40.0 + 5 * station, 60.0 * station) for station in range(3)])
    files = [("bundle", part) for part in [*waves.items(), ("stations.csv", table)]]
    job = client.post("/anomalies/cluster", files=files, data={"k_min": "2", "k_max": "3"}, headers=WAIT).json()
    assert job["status"] == "succeeded", job["problem"]
    result = job["result"]
    assert [row["event"] for row in result["assignments"]] == [name.removesuffix(".mseed") for name in waves]
    assert sum(cluster["size"] for cluster in result["clusters"]) == len(waves)
    assert {row["k"] for row in result["selection"]} == {2, 3}
    assert {"contact_sheet", "families", "family_0"} <= {Path(link).stem for link in job["links"]["figures"]}


def test_fine_tuning_is_declined_without_workers_for_it(client, event):
    job = client.post("/anomalies/cluster", files=event, data={"fine_tune": "true"}, headers=WAIT).json()
    assert (job["status"], job["problem"]["type"], job["problem"]["status"]) == ("failed", "/problems/fine-tune-unavailable", 422)


def run_notebook(name: str) -> dict[str, Any]:
    """Run a notebook in the current folder, as Python; returns its variables."""
    path = ROOT / "docs" / "notebooks" / name
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)  # noqa: S102 -- of this repository
    plt.close("all")
    return namespace


def test_the_notebook_from_an_event_id_to_quakeml_runs(running, tmp_path, monkeypatch):
    """With a data center on loopback, which has the records of the shipped earthquake."""
    served = tmp_path / "served"
    served.mkdir()
    write_bundle_folder(BUNDLES / "earthquake.zip", served, json.loads((BUNDLES / "truth.json").read_text())["earthquake"])
    monkeypatch.chdir(tmp_path)
    with serve_fdsn(served) as center:
        for variable, value in {"ATLAS_URL": running.url, "EVENT_ID": EVENT_ID, "EVENT_SERVICE": center, "DATA_CENTER": center}.items():
            monkeypatch.setenv(variable, value)
        ran = run_notebook("event_to_quakeml.py")
        classified = check_section_and_classify(running.url, ran["result"], ran["bundle"], tmp_path / "event" / "bundle")
    assert classified.traces_used == 6
    assert {warning.code for warning in ran["result"].warnings} == {"no-response"}
    assert len(ran["bundle"].stations) == 16
    assert len(obspy.read_events(str(tmp_path / "event" / "event.xml"), format="QUAKEML")) == 1
    assert {path.suffix for path in (tmp_path / "event" / "figures").iterdir()} == {".png"}
    assert (tmp_path / "event" / "section.png").exists()


def check_section_and_classify(url: str, located: Any, fetched: Any, folder: Path) -> Any:
    """Check that the section shows all fetched stations, and classify a Stream of six of them with an Inventory."""
    with Client(url) as client:
        job = client.job(located.job_id)
        assert job.state.formats == ["json", "quakeml", "geojson", "csv"]
        section = json.dumps(job.figure_data("section"))
        shown = {trace.split(".")[1] for trace in section.split('"') if trace.endswith(".LHZ")}
        assert shown == {one.station for one in fetched.stations}
        stream = obspy.read(str(folder / "waveforms.mseed"), format="MSEED")[:6]  # noqa: TID251 -- of this repository
        inventory = obspy.Inventory()
        for path in folder.glob("*.xml"):
            inventory += obspy.read_inventory(str(path), format="STATIONXML")
        return client.classify(stream, inventory)


def test_the_notebook_that_groups_a_folder_runs(running, tmp_path, monkeypatch):
    """With twelve of the shipped events."""
    with zipfile.ZipFile(BUNDLES / "anomalies.zip") as shipped, zipfile.ZipFile(tmp_path / "few.zip", "w") as few:
        events = sorted({name.partition("/")[0] for name in shipped.namelist()})[:12]
        for name in shipped.namelist():
            if name.partition("/")[0] in events:
                few.writestr(name, shipped.read(name))
    monkeypatch.chdir(tmp_path)
    for variable, value in {"ATLAS_URL": running.url, "K_MAX": "3", "EVENTS": str(tmp_path / "few.zip")}.items():
        monkeypatch.setenv(variable, value)
    ran = run_notebook("cluster_folder.py")
    assert len((tmp_path / "families" / "families.csv").read_text().splitlines()) == 1 + len(ran["result"].assignments) == 13


def test_nothing_in_the_queue_server_is_a_pickle(mixed):
    """Every value while jobs of all kinds are queued, running and ended is JSON or printable text (H14)."""
    assert {path for path, job in mixed.jobs.items() if job["status"] == "succeeded"} == {"/events/classify", "/events/locate"}
    assert {job["status"] for job in mixed.jobs.values()} == {"succeeded", "failed"}
    assert {key.split(b":")[0] for key, _ in mixed.stored} >= {b"atlas", b"rq"}
    assert [pair for pair in mixed.stored if not is_plain(pair[1])] == []


def values(redis: Redis) -> set[tuple[bytes, bytes]]:
    """Keys and values of a Redis database, with the elements of collections one by one."""
    readers = {
        b"string": lambda key: [redis.get(key)],
        b"hash": lambda key: [element for pair in redis.hgetall(key).items() for element in pair],
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"none": lambda _: [],  # expired meanwhile
    }
    return {(key, value) for key in redis.scan_iter() for value in readers[redis.type(key)](key) if value is not None}


def is_plain(value: bytes) -> bool:
    """Whether a value is JSON, possibly compressed by RQ, or one printable line, which no pickle of an object is."""
    with suppress(zlib.error):
        value = zlib.decompress(value)
    with suppress(ValueError):
        json.loads(value)
        return True
    return re.fullmatch(rb"[ -~]*", value) is not None


def test_a_part_that_is_not_a_waveform_fails_the_job_and_is_named(client):
    job = client.post("/events/classify", content=b"\0" * 4096, params={"name": "broken.mseed"}, headers=WAIT).json()
    assert (job["status"], job["problem"]["status"]) == ("failed", 422)
    assert [part["name"] for part in job["problem"]["parts"]] == ["broken.mseed"]
    refused = client.get(f"/jobs/{job['id']}/result")
    assert (refused.status_code, refused.json()["type"]) == (422, job["problem"]["type"])


def test_a_station_without_coordinates_is_a_warning(mixed):
    warnings = mixed.jobs["/events/classify"]["warnings"]
    assert ("no-coordinates", "XX.S0.00.LHZ") in {(warning["code"], warning["trace"]) for warning in warnings}


def test_a_missing_upload_fails_the_job(running, client):
    part = Part(name="gone.mseed", digest="0" * 64, size_bytes=1)
    settings = Settings(data_dir=running.data)
    with connect(settings) as redis:
        Dispatcher(redis, settings).submit(Submission(kind=JobKind.CLASSIFY, parts=(part,), options=Options()), "", "gone")
    job = client.get("/jobs/gone", params={"wait": 100}).json()
    assert (job["status"], job["problem"]["type"]) == ("failed", "/problems/blob-missing")


def test_an_endless_body_is_refused_while_it_is_sent(running):
    """The response arrives while the client is still sending."""
    host, port = running.url.removeprefix("http://").split(":")
    head = b"POST /events/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/zip\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head)
        for _ in range(MAX_BODY_MIB + 1):
            connection.sendall(chunk)
        answer = connection.recv(2000)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


def test_a_keyboard_interrupt_ends_all_processes_within_seconds(tmp_path, toy_artifacts):
    """SIGTERM does so as well, and ends a worker too: the fixture `running` checks that."""
    with start_service(tmp_path / "data", toy_artifacts, "--workers", "0") as service:
        check_end(service, signal.SIGINT, processes=1)


def check_end(service: Running, number: signal.Signals, processes: int = 2) -> None:
    """Send a signal, and check that all processes of the service end within seconds: the queue server, and a worker if there is one."""
    handles = [os.pidfd_open(pid) for pid in service.pids()]
    assert len(handles) == processes
    start_s = time.monotonic()
    service.process.send_signal(number)
    assert service.process.wait(20) == 0
    assert time.monotonic() - start_s < 8
    for handle in handles:
        with pytest.raises(ProcessLookupError):
            signal.pidfd_send_signal(handle, 0)
        os.close(handle)


def test_a_second_service_on_the_same_data_folder_does_not_start_and_logs_why(running, toy_artifacts, tmp_path):
    second = start_process(running.data, toy_artifacts, tmp_path / "log")
    assert second.wait(PATIENCE_S) == 1
    assert second.stdout is not None
    second.stdout.close()
    assert "another instance" in (tmp_path / "log").read_text()


def test_a_worker_without_artifacts_logs_the_cause_and_ends(tmp_path):
    settings = Settings(data_dir=tmp_path, artifacts_dir=tmp_path / "none")
    command, environment = [sys.executable, "-m", "workers", "--one", "w"], os.environ | worker_environment(settings)
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 1
    line = json.loads(ended.stderr.splitlines()[-1])
    assert (line["event"], line["error"]) == ("workers cannot start", "UnknownModel")
