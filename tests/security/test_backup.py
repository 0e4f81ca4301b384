"""Backup and restore as docs/how-to/operate.md describes them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from workers.contracts import JobKind, JobRecord, Options, Part, Status, Submission
from workers.queue.connection import connect
from workers.queue.dispatch import Dispatcher, Recovery
from workers.queue.records import Records
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings
from workers.storage.blobs import open_blobs
from workers.storage.result_keys import result_key

OPERATE = Path(__file__).parents[2] / "docs" / "how-to" / "operate.md"


def test_a_copy_of_a_running_service_has_every_accepted_job(tmp_path: Path):
    first, second = Settings(data_dir=tmp_path / "first"), Settings(data_dir=tmp_path / "second")
    with EmbeddedQueue(first):
        queued, running, ended = submit_jobs(first)
        copy_data_folder(first.data_dir, second.data_dir)
    shutil.rmtree(first.data_dir)
    with EmbeddedQueue(second), connect(second) as redis:
        records, blobs = Records(redis, second), open_blobs(second)
        recovery = Recovery(redis, second)
        recovery.sweep()
        recovery.sweep()
        enqueued = {name.rpartition("-")[0] for name in Dispatcher(redis, second).list_enqueued()}
        states = {job.id: records.get(job.id) for job in (queued, running, ended)}
        assert enqueued >= {queued.id, running.id}
        assert [state.status for state in states.values()] == [Status.QUEUED, Status.QUEUED, Status.SUCCEEDED], (
            "the running job is queued again"
        )
        restored = states[ended.id]
        assert blobs.get(result_key(restored)) == b"{}"
        assert blobs.read_upload(queued.submission.parts[0].digest) == b"waves"


@pytest.mark.parametrize(("missing", "whole"), [(None, True), ("appendonly.aof.2.incr.aof", False), ("appendonly.aof.1.base.rdb", False)])
def test_a_copy_taken_while_the_file_was_rewritten_is_noticed(missing: str | None, whole: bool, tmp_path: Path):
    """The command is that of the page. Of 507 copies taken while the file was rewritten without pause, 42 lacked a file."""
    folder = tmp_path / "queue" / "appendonlydir"
    folder.mkdir(parents=True)
    names = ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.2.incr.aof"]
    lines = [f"file {name} seq {number} type {'b' if 'base' in name else 'i'}" for number, name in enumerate(names)]
    (folder / "appendonly.aof.manifest").write_text("\n".join(lines) + "\n")
    for name in names:
        if name != missing:
            (folder / name).touch()
    [check] = re.findall(r"^whole\(\) .*$", OPERATE.read_text(), re.MULTILINE)
    script = f"{check.replace('/backup', str(tmp_path))}\nwhole"
    assert (subprocess.run(["sh", "-c", script], check=False, capture_output=True).returncode == 0) == whole


def submit_jobs(settings: Settings) -> tuple[JobRecord, JobRecord, JobRecord]:
    """Submit three jobs and return a queued, a running and an ended one."""
    blobs = open_blobs(settings)
    with blobs.writer() as writer:
        writer.write(b"waves")
        blob = writer.commit()
    submission = Submission(
        kind=JobKind.CLASSIFY, parts=(Part(name="a.mseed", digest=blob.digest, size_bytes=blob.size_bytes),), options=Options()
    )
    with connect(settings) as redis:
        records, dispatcher = Records(redis, settings), Dispatcher(redis, settings)
        queued, running, ended = (dispatcher.submit(submission, "lab", name) for name in ("queued", "running", "ended"))
        records.begin(running.id, "lost")
        begun = records.begin(ended.id, "w")
        assert begun is not None
        blobs.put(result_key(begun), b"{}")
        return queued, running, records.finish(ended.id, begun.attempt, Status.SUCCEEDED)


def copy_data_folder(source: Path, target: Path) -> None:
    """Copy the queue first, then the blobs; sockets cannot be copied."""
    shutil.copytree(source / "queue", target / "queue", ignore=shutil.ignore_patterns("*.sock"))
    shutil.copytree(source / "blobs", target / "blobs")
