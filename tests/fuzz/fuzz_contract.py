"""
`python -m tests.fuzz.fuzz_contract --examples 500`: schemathesis over openapi.json against the application in this process.

It has a real queue server and no worker, so that requests need not wait; half of all job ids are those of existing jobs. Prints the
number of requests for each operation and writes it to build/fuzz/contract.json; ends with status 1 at the first response that
the document does not allow.
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


Send = Callable[..., httpx.Response]


@contextmanager
def serve(folder: Path) -> Iterator[Send]:
    """Run the application with its own queue server, and yield a function like httpx.request; its event loop is in a thread."""
    settings = Settings(data_dir=folder, max_wait_s=0.01, max_queued=10**6)
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60)
    with EmbeddedQueue(settings), start_blocking_portal() as portal, portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield lambda **arguments: portal.call(partial(client.request, **arguments))


def fuzz(send: Send, examples: int) -> Counter[str]:
    """Fuzz every operation and return the number of its requests; raises at the first response that the document does not allow."""
    jobs = [send(method="POST", url="/events/classify", content=WAVE).json()["id"] for _ in range(3)]
    counts: Counter[str] = Counter()
    schema = schemathesis.openapi.from_dict(send(method="GET", url="/openapi.json").json())
    for found in schema.get_all_operations():
        operation = found.ok()
        if not operation.path.endswith("/events"):  # a stream, which ends with its job
            fuzz_operation(send, operation, examples, jobs, counts)
    return counts


def fuzz_operation(send: Send, operation: schemathesis.APIOperation, examples: int, jobs: list[str], counts: Counter[str]) -> None:
    """Send requests of one operation and check each response against the document; without a worker the service is not ready (503)."""
    checks = [check for check in CHECKS if operation.path != "/health/ready" or check is not not_a_server_error]

    @hypothesis.settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @hypothesis.given(case=operation.as_strategy(), job=st.sampled_from([*jobs, None, None, None]))
    def once(case: schemathesis.Case, job: str | None) -> None:
        if job is not None and "job_id" in (case.path_parameters or {}):
            case.path_parameters["job_id"] = job
        arguments = case.as_transport_kwargs(base_url="http://localhost")
        case.validate_response(send(**encode_request(arguments)), checks=checks)
        counts[operation.label] += 1

    once()


def encode_request(arguments: dict) -> dict:
    """Encode a request that schemathesis made for `requests`, which encodes forms, and return it as arguments of httpx."""
    names = ("method", "url", "params", "headers", "cookies", "json", "data", "files")
    prepared = requests.Request(**{name: arguments[name] for name in names if arguments.get(name) is not None}).prepare()
    return {"method": prepared.method, "url": prepared.url, "headers": dict(prepared.headers), "content": prepared.body}


def main(arguments: list[str]) -> int:
    """Fuzz the application and return the exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=500, help="requests an operation (default: 500)")
    options = parser.parse_args(arguments)
    configure_logs(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as send:
        counts = fuzz(send, options.examples)
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"requests": counts.total(), "operations": counts})
    (FOLDER / "contract.json").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
