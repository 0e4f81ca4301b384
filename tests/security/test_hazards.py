"""Hazards other than bundles: minimum versions of libraries, exposure, rights in Redis; and the table of hazards names real tests."""

import ast
import asyncio
import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import NoPermissionError

from app.auth.rate_limits import RateLimiter
from app.jobs.idempotency import Idempotency
from workers.contracts import JobKind, Options, Part, Status, Submission, WorkerState
from workers.queue.connection import connect, queue_url
from workers.queue.dispatch import Dispatcher, Recovery
from workers.queue.records import Records, job_key
from workers.runtime.allowlist_worker import AllowlistWorker
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.runtime.heartbeat import Heartbeat
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
HAZARDS = [f"H{number}" for number in range(1, 31)]
MIN_VERSIONS = {"python-multipart": (0, 0, 31), "starlette": (1, 3), "lxml": (6, 1, 0), "onnx": (1, 21), "obspy": (1, 5, 1)}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.mark.parametrize(("name", "minimum"), MIN_VERSIONS.items())
def test_a_library_is_newer_than_its_known_vulnerabilities(name, minimum):
    """The installed version, and every pinned one (H7, H10, H12, H13, H23)."""
    pinned = re.findall(rf"^{name}==([\d.]+)", "\n".join(path.read_text() for path in (ROOT / "requirements").glob("*.txt")), re.MULTILINE)
    assert pinned
    for found in (version(name), *pinned):
        assert tuple(int(number) for number in found.split(".")[:3]) >= minimum


def test_no_plot_goes_through_pyplot():
    """Pyplot keeps every figure that is not closed (H25)."""
    importing = []
    for path in [*(ROOT / "workers").rglob("*.py"), *(ROOT / "models").rglob("*.py"), *(ROOT / "app").rglob("*.py")]:
        importing += [path.name for node in ast.walk(ast.parse(path.read_text())) if "pyplot" in imported_names(node)]
    assert importing == []


def imported_names(node: ast.AST) -> str:
    if isinstance(node, ast.ImportFrom):
        return f"{node.module} {' '.join(alias.name for alias in node.names)}"
    return " ".join(alias.name for alias in node.names) if isinstance(node, ast.Import) else ""


@pytest.mark.timeout(300)
def test_beyond_this_machine_the_service_does_not_start_without_a_key(tmp_path):
    command = [sys.executable, "-m", "app", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path)]  # noqa: S104 -- refused
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert refused.returncode == 1
    line = json.loads(refused.stderr.splitlines()[-1])
    assert "python -m app keys create" in line["detail"]
    assert not (tmp_path / "queue").exists(), "refused before anything was started"


@pytest.fixture
def restricted(tmp_path):
    """A queue server whose user has the rights of the one in docker-compose.yml."""
    settings = Settings(data_dir=tmp_path)
    with EmbeddedQueue(settings), connect(settings) as admin:
        admin.execute_command("ACL", "SETUSER", "default", *rules_in_compose())
        yield settings


def rules_in_compose() -> list[str]:
    (line,) = re.findall(r"^user default (.+)$", COMPOSE["services"]["queue"]["command"][0], re.MULTILINE)
    rules = re.sub(r">\$\$\(.+?\)", "", line)  # the password, read from a secret
    assert ">" not in rules
    return rules.split()


def test_a_job_needs_no_scripts_and_no_dangerous_commands(restricted, submission):
    """Scripts, which had the server's worst vulnerabilities, are forbidden (H15): submit, notify, run, end and count a job without."""
    with connect(restricted) as redis, redis.pubsub(ignore_subscribe_messages=False) as listener:
        records, dispatcher = Records(redis, restricted), Dispatcher(redis, restricted)
        listener.psubscribe(job_key("*"))
        assert listener.get_message(timeout=5)["type"] == "psubscribe"
        record = dispatcher.submit(submission, "lab", "1" * 32)
        assert listener.get_message(timeout=5)["type"] == "pmessage"
        state = WorkerState(id="w", pid=1, started_at=datetime.now(UTC), execution_provider="CPU", models={})
        with restored_signal_handlers(), connect(restricted) as own:
            worker = AllowlistWorker(own, "w", partial(finish, records), Heartbeat(records, state, 60.0, 60.0))
            worker.work(burst=True, logging_level="ERROR")
        assert records.get(record.id).status is Status.SUCCEEDED
        assert Recovery(redis, restricted).sweep() == []
        asyncio.run(use_rate_limits(restricted))


async def use_rate_limits(settings):
    redis = AsyncRedis.from_url(queue_url(settings))
    assert not (await RateLimiter(redis, settings).consume("lab", "requests")).refused
    async with Idempotency(redis, settings).claim("key", "lab", "/") as claim:
        assert claim.stored is None
    await redis.aclose()


def finish(records, job_id):
    begun = records.begin(job_id, "w")
    assert begun is not None
    records.finish(job_id, begun.attempt, Status.SUCCEEDED)


@contextmanager
def restored_signal_handlers():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    "command",
    [("EVAL", "return 1", "0"), ("FLUSHALL",), ("CONFIG", "GET", "*"), ("KEYS", "*"), ("ACL", "LIST"), ("SHUTDOWN",), ("MODULE", "LIST")],
)
def test_the_queue_user_has_no_right_that_the_service_does_not_need(restricted, command):
    with connect(restricted) as redis, pytest.raises(NoPermissionError):
        redis.execute_command(*command)


def test_the_embedded_queue_runs_no_script(tmp_path):
    settings = Settings(data_dir=tmp_path)
    with EmbeddedQueue(settings), connect(settings) as redis, pytest.raises(NoPermissionError):
        redis.execute_command("EVAL", "return 1", "0")


@pytest.fixture
def submission():
    part = Part(name="a.mseed", digest="0" * 64, size_bytes=1)
    return Submission(kind=JobKind.CLASSIFY, parts=(part,), options=Options())


def test_the_table_has_a_row_for_each_hazard_and_names_existing_tests():
    lines = {
        found[1]: line
        for line in (ROOT / "docs" / "explanation" / "security.md").read_text().splitlines()
        if (found := re.match(r"\| (H\d+) ", line))
    }
    assert list(lines) == HAZARDS
    for hazard, line in lines.items():
        named = re.findall(r"`(tests/[\w/]+\.py)`(?: `(\w+)`)?", line)
        assert named, hazard
        for path, function in named:
            assert f"def {function}" in (ROOT / path).read_text(), (hazard, path, function)
