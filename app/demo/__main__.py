"""`python -m app.demo`: start the service, ask it everything, print what it says, end it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

from app.demo.client import Client, DemoFailed
from app.demo.report import bar, describe_classification, describe_clusters, describe_location

BUNDLES = Path(__file__).resolve().parents[1] / "demo_bundles"
ROOT = BUNDLES.parents[1]
WORK = ROOT / "build" / "demo"
LOG = WORK / "service.log"
HOPELESS = b'"event": "workers cannot start"'  # logged by a worker before it ends; the supervisor starts another
READY_S = 300.0  # seconds on a free machine; a busy one may be compiling kernels besides
POLL_S = 0.25
ELSEWHERE = ("REDIS_URL", "ATLAS_BLOB_URL", "ATLAS_KEYS_FILE")  # the demonstration is whole by itself
STOP_S = 20.0


class Question(NamedTuple):
    """One bundle sent to one endpoint, and how its answer is read."""

    bundle: str
    path: str
    report: Callable[[dict[str, object]], list[str]]


QUESTIONS = (
    Question("earthquake", "/events/classify", describe_classification),
    Question("earthquake", "/events/locate", describe_location),
    Question("glacial", "/events/classify", describe_classification),
    Question("glacial", "/events/locate", describe_location),
    Question("anomalies", "/anomalies/cluster", describe_clusters),
)


def main() -> int:
    """Exit status: 0 where every question was answered."""
    try:
        _check_bundles()
        with _service() as client:
            for question in QUESTIONS:
                _ask(client, question)
    except (DemoFailed, OSError, HTTPException) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        if LOG.exists():
            print(f"The service's log: {_shown(LOG)}", file=sys.stderr)
        return 1
    print(f"\nfigures     {_shown(WORK / 'figures')}\nNow try `make serve` and open its page.")
    return 0


def _check_bundles() -> None:
    missing = sorted({question.bundle for question in QUESTIONS if not (BUNDLES / f"{question.bundle}.zip").is_file()})
    if missing:
        raise DemoFailed(f"{_shown(BUNDLES)} lacks {', '.join(f'{name}.zip' for name in missing)}")


@contextmanager
def _service() -> Iterator[Client]:
    """The whole service on a free loopback port with an empty data folder, ended whatever happens."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    client = Client("127.0.0.1", _free_port())
    clean = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    settings = {"ATLAS_HOST": client.host, "ATLAS_PORT": str(client.port), "ATLAS_DATA_DIR": str(WORK / "data"), "ATLAS_WORKERS": "1"}
    with LOG.open("wb") as log:
        command = [sys.executable, "-m", "app"]
        service = subprocess.Popen(command, cwd=ROOT, env=clean | settings, stdout=log, stderr=log)  # noqa: S603 - our own module
        try:
            _await_ready(client, service)
            yield client
        finally:
            _stop(service)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(client: Client, service: subprocess.Popen[bytes]) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < READY_S:
        if service.poll() is not None:
            raise DemoFailed(f"the service ended with status {service.returncode}; its last words:\n{_last_words()}")
        if LOG.read_bytes().count(HOPELESS) > 1:
            raise DemoFailed(f"the workers cannot start; its last words:\n{_last_words()}")
        if client.ready():
            print(f"service     ready after {time.monotonic() - begun:.1f} s at http://{client.host}:{client.port}")
            return
        time.sleep(POLL_S)
    raise DemoFailed(f"the service was not ready within {READY_S:.0f} s; its last words:\n{_last_words()}")


def _last_words(lines: int = 15) -> str:
    said = LOG.read_text(errors="replace").splitlines()
    return "\n".join([line for line in said if "/health/" not in line][-lines:])


def _stop(service: subprocess.Popen[bytes]) -> None:
    service.terminate()
    try:
        service.wait(STOP_S)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def _ask(client: Client, question: Question) -> None:
    begun = time.monotonic()
    print(f"\n{question.bundle}.zip -> POST {question.path}")
    job = client.follow(client.submit(question.path, BUNDLES / f"{question.bundle}.zip"), _tell)
    print(_line(f"answered in {time.monotonic() - begun:.1f} s"))
    print("\n".join(f"  {line}" for line in question.report(job["result"])))
    if job["warnings"]:
        print(f"  warnings    {len(job['warnings'])}, the first: {job['warnings'][0]['detail']}")
    client.figures(job, WORK / "figures" / f"{question.bundle}_{job['kind']}")


def _tell(stage: str, progress: float) -> None:
    if sys.stdout.isatty():
        print(_line(bar(stage, progress)), end="", flush=True)
    else:
        print(f"  {bar(stage, progress)}")


def _line(text: str) -> str:
    """On a terminal the bar is written over, in a log each state has its own line."""
    return f"\r  {text:<50}" if sys.stdout.isatty() else f"  {text}"


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
