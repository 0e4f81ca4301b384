"""
`python -m tests.fuzz.fuzz_contract --examples 500`: schemathesis over openapi.json against the application in this process.

A real queue server, no worker, so that nothing is waited for; half of all job ids are those of jobs that exist. Prints and
writes to build/fuzz/contract.json how many requests each operation has answered; ends with status 1 at the first answer
that the document does not promise.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import hypothesis
import requests
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.main import create_app
from workers.logs import configure_logs
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "build" / "fuzz"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
WAVE = b"000001D " + bytes(504)


Ask = Callable[..., httpx.Response]


@contextmanager
def served(folder: Path) -> Iterator[Ask]:
    """The application with a queue of its own, asked as httpx is asked; its event loop runs in a thread."""
    settings = Settings(data_dir=folder, max_wait_s=0.01, max_queued=10**6)
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60)
    with EmbeddedQueue(settings), start_blocking_portal() as portal, portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield lambda **words: portal.call(partial(client.request, **words))


def fuzz(send: Ask, examples: int) -> Counter[str]:
    """Requests answered, by operation; raises what the first unpromised answer is."""
    jobs = [send(method="POST", url="/events/classify", content=WAVE).json()["id"] for _ in range(3)]
    answered: Counter[str] = Counter()
    schema = schemathesis.openapi.from_dict(send(method="GET", url="/openapi.json").json())
    for found in schema.get_all_operations():
        operation = found.ok()
        if not operation.path.endswith("/events"):  # a stream, which ends with its job
            ask(send, operation, examples, jobs, answered)
    return answered


def ask(send: Ask, operation: schemathesis.APIOperation, examples: int, jobs: list[str], answered: Counter[str]) -> None:
    """So many requests of one operation, each answer held against the document; without a worker the service is not ready."""
    checks = [check for check in CHECKS if operation.path != "/health/ready" or check is not not_a_server_error]

    @hypothesis.settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @hypothesis.given(case=operation.as_strategy(), job=st.sampled_from([*jobs, None, None, None]))
    def once(case: schemathesis.Case, job: str | None) -> None:
        if job is not None and "job_id" in (case.path_parameters or {}):
            case.path_parameters["job_id"] = job
        asked = case.as_transport_kwargs(base_url="http://localhost")
        case.validate_response(send(**encoded(asked)), checks=checks)
        answered[operation.label] += 1

    once()


def encoded(asked: dict) -> dict:
    """What schemathesis says for requests, encoded by requests (which turns anything into a form), as httpx takes it."""
    known = ("method", "url", "params", "headers", "cookies", "json", "data", "files")
    ready = requests.Request(**{name: asked[name] for name in known if asked.get(name) is not None}).prepare()
    return {"method": ready.method, "url": ready.url, "headers": dict(ready.headers), "content": ready.body}


def main(arguments: list[str]) -> int:
    """Exit status: 0 where every answer was promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=500, help="requests an operation (default: 500)")
    given = parser.parse_args(arguments)
    configure_logs(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as send:
        answered = fuzz(send, given.examples)
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"requests": answered.total(), "operations": answered})
    (FOLDER / "contract.json").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
