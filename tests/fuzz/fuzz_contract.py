"""
`python -m tests.fuzz.fuzz_contract --examples 500`: schemathesis over openapi.json against the application in this process.

A real queue server, no worker, so that nothing is waited for; half of all job ids are those of jobs that exist. Prints and
writes to build/fuzz/contract.json how many requests each operation has answered; ends with status 1 at the first answer
that the document does not promise.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import schemathesis
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from app.main import create_app
from workers.embedded import EmbeddedQueue
from workers.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "build" / "fuzz"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
WAVE = b"000001D " + bytes(504)


@contextmanager
def served(folder: Path) -> Iterator[TestClient]:
    """The application with a queue of its own."""
    settings = Settings(data_dir=folder, max_wait_s=0.01, max_queued=10**6)
    with EmbeddedQueue(settings), TestClient(create_app(settings), base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


def fuzz(client: TestClient, examples: int) -> Counter[str]:
    """Requests answered, by operation; raises what the first unpromised answer is."""
    jobs = [client.post("/events/classify", content=WAVE).json()["id"] for _ in range(3)]
    answered: Counter[str] = Counter()
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # a stream, which ends with its job

        @hypothesis.settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @hypothesis.given(case=operation.as_strategy(), job=st.sampled_from([*jobs, None, None, None]))
        def ask(case: schemathesis.Case, job: str | None, label: str = operation.label) -> None:
            if job is not None and "job_id" in (case.path_parameters or {}):
                case.path_parameters["job_id"] = job
            asked = case.as_transport_kwargs(base_url="http://localhost")
            case.validate_response(client.request(**httpx_words(asked)), checks=CHECKS)
            answered[label] += 1

        ask()
    return answered


def httpx_words(asked: dict) -> dict:
    """What schemathesis says for requests, as httpx takes it."""
    words = {
        name: asked[name] for name in ("method", "url", "params", "headers", "cookies", "json", "files") if asked.get(name) is not None
    }
    data = asked.get("data")
    if data is not None:
        words["data" if isinstance(data, dict) or "files" in words else "content"] = data
    return words


def main(arguments: list[str]) -> int:
    """Exit status: 0 where every answer was promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=500, help="requests an operation (default: 500)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as client:
        answered = fuzz(client, given.examples)
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"requests": answered.total(), "operations": answered})
    (FOLDER / "contract.json").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
