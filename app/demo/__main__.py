"""`python -m app.demo`: start the service, send it the shipped synthetic bundles, print its answers, and stop it."""

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
from app.demo.report import JsonObject, describe_classification, describe_clusters, describe_location, progress_bar
from app.demo.truth import Verdict, judge_class, judge_families, judge_location, read_truth

BUNDLES = Path(__file__).resolve().parents[1] / "demo_bundles"
ROOT = BUNDLES.parents[1]
WORK = ROOT / "build" / "demo"
LOG = WORK / "service.log"
WORKER_FAILURE = b'"event": "workers cannot start"'  # logged by a worker that cannot start; the supervisor then starts another
READY_S = 300.0  # some seconds as a rule; the first start on a busy machine also compiles kernels
POLL_S = 0.25
REMOVED_VARIABLES = ("REDIS_URL", "ATLAS_BLOB_URL", "ATLAS_KEYS_FILE")  # the demonstration uses nothing outside its folder
STOP_S = 20.0


class Question(NamedTuple):
    """A bundle, the endpoint it is sent to, and the functions that format the result and compare it with the truth."""

    bundle: str
    path: str
    describe: Callable[[JsonObject], list[str]]
    judge: Callable[[JsonObject, JsonObject], Verdict]


QUESTIONS = (
    Question("earthquake", "/events/classify", describe_classification, judge_class),
    Question("earthquake", "/events/locate", describe_location, judge_location),
    Question("glacial", "/events/classify", describe_classification, judge_class),
    Question("glacial", "/events/locate", describe_location, judge_location),
    Question("noise", "/events/classify", describe_classification, judge_class),
    Question("noise", "/events/locate", describe_location, judge_location),
    Question("anomalies", "/anomalies/cluster", describe_clusters, judge_families),
)


def main() -> int:
    """Run the demonstration; return its exit status, 0 if every bundle was answered and every answer agrees with the truth."""
    try:
        _check_bundles()
        truth = read_truth(BUNDLES)
        with _run_service() as client:
            right = [_ask(client, question, truth[question.bundle]) for question in QUESTIONS]
    except (DemoFailed, OSError, HTTPException) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        if LOG.exists():
            print(f"Log of the service: {_relative_path(LOG)}", file=sys.stderr)
        return 1
    print(f"\nright       {sum(right)} of {len(right)} answers")
    print(f"figures     {_relative_path(WORK / 'figures')}\nNext: run `make serve` and open its page in a browser.")
    return 0 if all(right) else 1


def _check_bundles() -> None:
    missing = sorted({question.bundle for question in QUESTIONS if not (BUNDLES / f"{question.bundle}.zip").is_file()})
    if missing:
        raise DemoFailed(f"missing in {_relative_path(BUNDLES)}: {', '.join(f'{name}.zip' for name in missing)}")


@contextmanager
def _run_service() -> Iterator[Client]:
    """Run the service on a free loopback port with an empty data folder; stop it in any case."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    client = Client("127.0.0.1", _find_free_port())
    environment = {name: value for name, value in os.environ.items() if name not in REMOVED_VARIABLES}
    settings = {"ATLAS_HOST": client.host, "ATLAS_PORT": str(client.port), "ATLAS_DATA_DIR": str(WORK / "data"), "ATLAS_WORKERS": "1"}
    with LOG.open("wb") as log:
        command = [sys.executable, "-m", "app"]
        service = subprocess.Popen(command, cwd=ROOT, env=environment | settings, stdout=log, stderr=log)  # noqa: S603 - our own module
        try:
            _wait_until_ready(client, service)
            yield client
        finally:
            _stop(service)


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(client: Client, service: subprocess.Popen[bytes]) -> None:
    start = time.monotonic()
    while time.monotonic() - start < READY_S:
        if service.poll() is not None:
            raise DemoFailed(f"the service ended with status {service.returncode}; the end of its log:\n{_read_log_end()}")
        if LOG.read_bytes().count(WORKER_FAILURE) > 1:
            raise DemoFailed(f"the workers cannot start; the end of the log:\n{_read_log_end()}")
        if client.is_ready():
            print(f"service     ready after {time.monotonic() - start:.1f} s at http://{client.host}:{client.port}")
            return
        time.sleep(POLL_S)
    raise DemoFailed(f"the service was not ready within {READY_S:.0f} s; the end of its log:\n{_read_log_end()}")


def _read_log_end(lines: int = 15) -> str:
    text = LOG.read_text(errors="replace").splitlines()
    return "\n".join([line for line in text if "/health/" not in line][-lines:])


def _stop(service: subprocess.Popen[bytes]) -> None:
    service.terminate()
    try:
        service.wait(STOP_S)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def _ask(client: Client, question: Question, truth: JsonObject) -> bool:
    """Send a bundle, print the answer with the truth beside it, and return whether they agree."""
    start = time.monotonic()
    print(f"\n{question.bundle}.zip -> POST {question.path}")
    job = client.follow(client.submit(question.path, BUNDLES / f"{question.bundle}.zip"), _print_progress)
    print(_overwrite_line(f"finished in {time.monotonic() - start:.1f} s"))
    print("\n".join(f"  {line}" for line in question.describe(job["result"])))
    verdict = question.judge(job["result"], truth)
    print(f"  truth       {verdict.truth}: {'right' if verdict.right else 'WRONG'}")
    if job["warnings"]:
        print(f"  warnings    {len(job['warnings'])}; the first: {job['warnings'][0]['detail'].split('. ')[0]}")
    client.download_figures(job, WORK / "figures" / f"{question.bundle}_{job['kind']}")
    return verdict.right


def _print_progress(stage: str, progress: float) -> None:
    if sys.stdout.isatty():
        print(_overwrite_line(progress_bar(stage, progress)), end="", flush=True)
    else:
        print(f"  {progress_bar(stage, progress)}")


def _overwrite_line(text: str) -> str:
    """Format a line that replaces the progress bar on a terminal; in a log every line stays."""
    return f"\r  {text:<50}" if sys.stdout.isatty() else f"  {text}"


def _relative_path(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
