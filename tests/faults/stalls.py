"""
`python -m tests.faults.stalls --seconds 20`: what callers notice while the queue server does not answer.

The API runs alone; its queue server is suspended. Sixty pollers ask for a job once a second, while others ask for the models, liveness and
readiness. The report is build/faults/stalls.json. Exit status: 0 if no answer took longer than 2 s, readiness no longer than 1 s, and
every answer about jobs was 503 with Retry-After.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.faults import connections, processes

FOLDER = connections.FOLDER
POLLERS, INTERVAL_S = 60, 1.0
PATHS = ("/jobs/x", "/models", "/health/live", "/health/ready")
MAX_S = {"/jobs/x": 2.0, "/models": 2.0, "/health/live": 2.0, "/health/ready": 1.0}


class Answer(NamedTuple):
    """One answer: its path, status, whether it has Retry-After, and its time."""

    path: str
    status: int
    retry_after: bool
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Run the test, write the report and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, connections.run_server("atlas", Path(folder)) as (pid, port):
        (queue,) = (child for child in processes.children(pid) if processes.role(child) == "queue")
        os.kill(queue, signal.SIGSTOP)
        try:
            answers = ask(port, options.seconds)
        finally:
            os.kill(queue, signal.SIGCONT)
        time.sleep(1.0)
        recovered = request(port, "/jobs/x").status == HTTPStatus.NOT_FOUND
    report = summarize(answers) | {"recovered": recovered, **processes.describe_run()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "stalls.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    return 1 if report["violations"] or not recovered else 0


def ask(port: int, seconds: float) -> list[Answer]:
    """Send requests from sixty pollers and one caller of each other path for some seconds."""
    answers: list[Answer] = []
    end_s = time.monotonic() + seconds

    def poll(path: str) -> None:
        while time.monotonic() < end_s:
            answers.append(request(port, path))
            time.sleep(INTERVAL_S)

    paths = [PATHS[0]] * POLLERS + list(PATHS[1:])
    threads = [threading.Thread(target=poll, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def request(port: int, path: str) -> Answer:
    """Send one request over a new connection."""
    start_s = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return Answer(path, answer.status, answer.getheader("Retry-After") is not None, time.monotonic() - start_s)


def summarize(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return numbers, medians and maxima by path, and the answers that break a promise."""
    report: dict[str, Any] = {}
    for path in PATHS:
        seconds = [answer.seconds for answer in answers if answer.path == path]
        report[path] = {"answers": len(seconds), "median_s": round(median(seconds), 3), "longest_s": round(max(seconds), 3)}
    slow = [answer for answer in answers if answer.seconds > MAX_S[answer.path]]
    refused = [answer for answer in answers if answer.path == PATHS[0]]
    wrong = [answer for answer in refused if answer.status != HTTPStatus.SERVICE_UNAVAILABLE or not answer.retry_after]
    return report | {"violations": len(slow) + len(wrong)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
