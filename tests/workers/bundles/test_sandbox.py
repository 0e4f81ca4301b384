"""Parsing of bundles in the sandboxed child process."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import structlog

from models.errors import LimitExceeded, UnreadableWaveform
from tests.support import recordings
from workers.bundles.sandbox import parse_event_in_sandbox, parse_in_sandbox
from workers.bundles.sandbox_child import Parse
from workers.queue.lifecycle import Interrupted
from workers.settings import Settings
from workers.storage.blobs import StoreUnreachable

Z = "XX.AAA.00.BHZ"
ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "data" / "real_events"


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Misbehaving parsers, which the child imports from this process's search path."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import parser_faults  # noqa: PLC0415

    return parser_faults


@pytest.fixture
def waves() -> bytes:
    data: bytes = recordings.miniseed((Z, 0, 1.0, recordings.wave()))
    return data


def exhaust(parse: Parse, reasons: list[str] | None = None, **limits: float) -> None:
    """Parse to the end; `reasons` gets the reason of a child that was ended."""
    report_loss = ([] if reasons is None else reasons).append
    list(parse_in_sandbox([("part-a", b"x")], Settings(**limits), grouped=True, parse=parse, report_loss=report_loss))  # type: ignore[arg-type]


def test_bytes_files_and_streams_give_the_same_event(tmp_path: Path, waves: bytes) -> None:
    (tmp_path / "a").write_bytes(waves)
    table = ("s.csv", recordings.stations_csv(("XX", "AAA", 1, 2)))
    for source in (waves, tmp_path / "a", lambda: io.BytesIO(waves)):
        event = parse_event_in_sandbox([("quake.mseed", source), table], Settings())
        assert event.name == "quake"
        (record,) = event.records
        assert (str(record.trace_id), record.latitude_deg, record.elevation_m) == (Z, 1.0, 100.0)
        expected = recordings.wave()
        np.testing.assert_allclose(record.samples, expected - expected.mean(), atol=1e-3)
        assert record.start_time_s == recordings.START_S


def test_gaps_and_responses_cross_the_process() -> None:
    data = recordings.miniseed((Z, 0, 1.0, recordings.wave(100)), (Z, 200, 1.0, recordings.wave(100)))
    channel = """<Channel code="BHZ" locationCode="00"><Latitude>1</Latitude><Longitude>2</Longitude><Elevation>0</Elevation><Response>
    <InstrumentSensitivity><Value>5</Value><Frequency>1</Frequency><InputUnits><Name>M/S</Name></InputUnits></InstrumentSensitivity>
    <Stage number="1"/></Response></Channel>"""
    event = parse_event_in_sandbox([("a", data), ("b", recordings.stationxml("XX", "AAA", 1, 2, channel))], Settings())
    (record,) = event.records
    assert np.isnan(record.samples).sum() == 100
    assert record.response is not None
    np.testing.assert_allclose(record.response.velocity_response, 5.0)
    assert [issue.code for issue in event.issues] == ["gaps"]


def test_a_pickle_in_disguise_is_refused_and_not_run(tmp_path: Path) -> None:
    """A bare obspy.read would run it."""
    target = tmp_path / "ran"
    payload = b"cposix\nsystem\n(S'touch " + str(target).encode() + b"'\ntR." + b"obspy.core.stream"
    with pytest.raises(UnreadableWaveform) as caught:
        parse_event_in_sandbox([("evil.mseed", payload)], Settings())
    assert caught.value.part == "evil.mseed"
    assert not target.exists()


def test_errors_of_the_parser_keep_their_class_and_part() -> None:
    bomb = recordings.miniseed((Z, 0, 1.0, recordings.wave(10)), (Z, 1e9, 1.0, recordings.wave(10)))
    with pytest.raises(LimitExceeded) as caught:
        parse_event_in_sandbox([("bomb", bomb)], Settings())
    assert caught.value.part == "bomb"
    with pytest.raises(LimitExceeded, match="expands more than"):
        parse_event_in_sandbox([("bomb.gz", recordings.gzipped(b"MS\x03" + bytes(2**25)))], Settings())


def test_a_crash_in_the_child_names_the_part(faults: ModuleType) -> None:
    with pytest.raises(UnreadableWaveform, match="SIGABRT") as caught:
        exhaust(faults.abort, reasons := [])
    assert caught.value.part == "part-a"
    assert reasons == ["crash"]


def test_a_hanging_parser_ends_with_the_wall_clock_limit(faults: ModuleType) -> None:
    with pytest.raises(LimitExceeded, match=r"longer than 1 s") as caught:
        exhaust(faults.hang, reasons := [], reader_wall_s=1.0)
    assert caught.value.part == "part-a"
    assert reasons == ["time"]


def test_an_endless_loop_ends_with_the_cpu_limit(faults: ModuleType) -> None:
    with pytest.raises(LimitExceeded, match="more than 1 s of CPU time") as caught:
        exhaust(faults.spin, reasons := [], reader_cpu_s=1)
    assert caught.value.part == "part-a"
    assert reasons == ["cpu"]


def test_the_parsers_memory_is_limited(faults: ModuleType) -> None:
    with pytest.raises(LimitExceeded, match="more than 2048 MiB of memory"):
        exhaust(faults.exhaust_memory, reader_memory_bytes=2**31)


def test_an_unexpected_exception_is_an_error_of_the_part(faults: ModuleType) -> None:
    events = parse_in_sandbox([("part-a", b"x")], Settings(), grouped=True, parse=faults.raise_unexpectedly)
    assert next(events).name == "first"
    with pytest.raises(UnreadableWaveform, match="ZeroDivisionError") as caught:
        next(events)
    assert caught.value.part == "part-a"


def test_a_parser_killed_from_outside_is_interrupted_and_not_the_bundles_fault(faults: ModuleType) -> None:
    """Nor is a lost fork server, which is restarted for the next bundle."""
    for parse in (faults.kill_itself, faults.kill_its_server):
        reasons: list[str] = []
        with pytest.raises(Interrupted):
            exhaust(parse, reasons)
        assert reasons == ["killed"]
    assert len(list(parse_in_sandbox([("a", b"x")], Settings(), grouped=True, parse=faults.yield_empty_events))) == 1000


def test_an_upload_that_cannot_be_opened_is_the_stores_fault(tmp_path: Path, waves: bytes) -> None:
    """The store was unmounted after it returned the upload's path."""
    with pytest.raises(StoreUnreachable) as caught:
        parse_event_in_sandbox([("quake.mseed", waves), ("late.mseed", tmp_path / "gone")], Settings())
    assert str(tmp_path) not in caught.value.detail


def test_a_malformed_message_of_the_child_is_refused(faults: ModuleType) -> None:
    with pytest.raises(UnreadableWaveform, match="malformed result"):
        exhaust(faults.send_garbage)


def test_the_child_inherits_no_secret_of_the_worker(tmp_path: Path) -> None:
    """Neither in os.environ nor in /proc/self/environ; tried in a new process, because the fork server starts once."""
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import parser_faults
from multiprocessing import forkserver
from workers.bundles.sandbox import parse_in_sandbox
from workers.settings import Settings
for turn in range(2):
    for event in parse_in_sandbox([("a", b"x")], Settings(), grouped=True, parse=parser_faults.report_environment):
        print(event.name)
        assert "PATH=" in event.name
    server = forkserver._forkserver._forkserver_pid
    os.kill(server, signal.SIGKILL)  # and so does the next server
    os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)
assert os.environ["REDIS_URL"] == "redis://:hunter2@nowhere"
"""
    secrets = {"REDIS_URL": "redis://:hunter2@nowhere", "FSSPEC_S3_SECRET": "hunter2", "ATLAS_SOMETHING": "hunter2"}
    completed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | secrets, check=True, capture_output=True, text=True)
    assert "PATH=" in completed.stdout
    assert "hunter2" not in completed.stdout


def test_the_child_can_write_neither_files_nor_log_lines(faults: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "part").write_bytes(b"x")
    (event,) = parse_in_sandbox([("a", tmp_path / "part")], Settings(), grouped=True, parse=faults.write_files)
    assert event.name == "OSError"
    assert "forged" not in "".join(capfd.readouterr())


def test_a_parsers_exception_is_one_escaped_log_line(faults: ModuleType) -> None:
    events = parse_in_sandbox([("a\nb", b"x")], Settings(), grouped=True, parse=faults.raise_log_forgery)
    with structlog.testing.capture_logs() as lines, pytest.raises(UnreadableWaveform):
        list(events)
    (line,) = lines
    assert "forged" in line["trace"]
    assert "\n" not in json.dumps(line)


def test_the_child_is_killed_when_the_caller_stops_early(faults: ModuleType) -> None:
    events = parse_in_sandbox([("a", b"x")], Settings(), grouped=True, parse=faults.yield_empty_events)
    assert next(events).name == "0"
    events.close()
    assert len(list(parse_in_sandbox([("a", b"x")], Settings(), grouped=True, parse=faults.yield_empty_events))) == 1000


def test_time_between_events_does_not_count(faults: ModuleType) -> None:
    events = parse_in_sandbox([("a", b"x")], Settings(reader_wall_s=1.0), grouped=True, parse=faults.yield_empty_events)
    next(events)
    time.sleep(1.2)
    assert len(list(events)) == 999


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Poll, because the end of a process that is not a child is not signaled."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_killing_the_worker_leaves_no_process_behind(tmp_path: Path) -> None:
    """The worker is a process with a second thread, killed while its child hangs."""
    (tmp_path / "part").write_bytes(b"x")
    code = f"""
import sys, threading
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import parser_faults
from workers.bundles.sandbox import parse_in_sandbox
from workers.settings import Settings
threading.Thread(target=threading.Event().wait, daemon=True).start()
list(parse_in_sandbox([("a", Path({str(tmp_path / "part")!r}))], Settings(), grouped=True, parse=parser_faults.hang))
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as worker:
        until(lambda: list(tmp_path.glob("pid-*")))
        child = int(next(tmp_path.glob("pid-*")).name.removeprefix("pid-"))
        server = int(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[1])
        assert server not in (worker.pid, os.getpid())
        worker.send_signal(signal.SIGKILL)
    until(lambda: not alive(child))
    until(lambda: not alive(server))


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="../shared is absent")
def test_every_real_event_reads_with_its_coordinates() -> None:
    for folder in sorted(SHARED.iterdir()):
        files = [
            (path.name, path) for path in sorted(folder.iterdir()) if path.name in ("waveforms.mseed", "stations.csv", "stations.xml.gz")
        ]
        event = parse_event_in_sandbox(files, Settings())
        assert len(event.records) > 1, folder.name
        assert all(record.latitude_deg is not None for record in event.records), folder.name
        if (folder / "stations.xml.gz").exists():
            assert any(record.response is not None for record in event.records), folder.name


PARSE_AND_LIST_COMPILED = """
import sys
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from workers.bundles.parse import parse_bundle
from workers.bundles.sandbox import read_limits
from workers.settings import Settings
bundle = Path("app/demo_bundles/earthquake.zip")
(event,) = parse_bundle([(bundle.name, bundle)], read_limits(Settings()), False, lambda _: None)
assert len(event.records) > 4
loops = [loop for module in list(sys.modules.values()) for loop in vars(module).values() if isinstance(loop, Dispatcher)]
assert not [loop.__name__ for loop in loops if loop.signatures]
"""


def test_parsing_compiles_nothing_since_the_child_may_not_write_a_cache() -> None:
    subprocess.run([sys.executable, "-c", PARSE_AND_LIST_COMPILED], check=True, timeout=110, cwd=ROOT)
