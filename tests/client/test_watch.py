"""`atlas watch` submits what appears in a folder, each content once, over restarts and failures."""

import json
import time
import zipfile

import httpx
import pytest

from seismic_atlas_client import AtlasClientError, Client, RetryPolicy, ServiceUnreachable
from seismic_atlas_client.__main__ import main
from seismic_atlas_client.command_line.watcher import STATE_NAME, FolderWatcher

POLICY = RetryPolicy(attempts=1)


class Seen(list):
    """Names and statuses of the events that were reported."""

    def report(self, event, result):
        """Note an event."""
        self.append((event.name, event.status, getattr(result, "event_type", None)))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "incoming").mkdir()
    return tmp_path / "incoming"


@pytest.fixture
def seen():
    return Seen()


def watcher(client, folder, seen, **changes):
    given = {"settle_s": 0.0, "report": seen.report, **changes}
    return FolderWatcher(client, folder, given.pop("kind", "locate"), given.pop("options", {}), **given)


def run(watching):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        watching.step()
        if watching.idle:
            return
        time.sleep(0.01)
    raise AssertionError("it does not become idle")


def test_files_archives_and_folders_are_submitted_once(client, service, folder, seen, mseed, tmp_path):
    (folder / "a.mseed").write_bytes(mseed)
    (folder / "b").mkdir()
    (folder / "b" / "x.mseed").write_bytes(mseed + b"b")
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("x.mseed", mseed)
    (folder / "stations.xml").write_text("no event")
    (folder / ".hidden").write_text("no event")
    (folder / "empty").mkdir()
    before = service.count_jobs()
    watching = watcher(client, folder, seen, save=tmp_path / "results")
    run(watching)
    run(watching)
    assert sorted(seen) == [(name, "succeeded", "earthquake") for name in ("a.mseed", "b", "c.zip")]
    assert service.count_jobs() == before + 3
    assert {path.name for path in (tmp_path / "results").iterdir()} >= {"a.mseed.xml", "b.json", "c.zip.csv"}


def test_a_restart_submits_nothing_again_and_goes_on_with_open_jobs(client, service, folder, seen, mseed):
    (folder / "hold.mseed").write_bytes(mseed + b"restart")
    before = service.count_jobs()
    first = watcher(client, folder, seen)
    first.step()
    assert (first.idle, seen) == (False, [])
    service.release(next(iter(json.loads((folder / STATE_NAME).read_text())["events"].values()))["job"])
    second = watcher(client, folder, seen)
    run(second)
    assert seen == [("hold.mseed", "succeeded", "earthquake")]
    assert service.count_jobs() == before + 1


def test_a_stop_between_submission_and_note_makes_no_second_job(client, service, folder, seen, mseed, monkeypatch):
    (folder / "a.mseed").write_bytes(mseed + b"stop")
    before = service.count_jobs()
    with monkeypatch.context() as broken:
        broken.setattr("seismic_atlas_client.command_line.watcher.WatchState.write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            watcher(client, folder, seen).step()
    assert service.count_jobs() == before + 1
    run(watcher(client, folder, seen))
    assert service.count_jobs() == before + 1
    assert seen == [("a.mseed", "succeeded", "earthquake")]


def test_the_same_content_under_another_name_is_not_submitted_and_new_content_is(client, service, folder, seen, mseed):
    (folder / "a.mseed").write_bytes(mseed + b"copy")
    run(watcher(client, folder, seen))
    before = service.count_jobs()
    (folder / "copy.mseed").write_bytes(mseed + b"copy")
    run(watcher(client, folder, seen))
    assert service.count_jobs() == before
    (folder / "a.mseed").write_bytes(mseed + b"corrected")
    run(watcher(client, folder, seen))
    assert service.count_jobs() == before + 1


def test_an_event_is_submitted_when_its_files_have_stopped_to_change(client, service, folder, seen, mseed, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("seismic_atlas_client.command_line.watcher.monotonic", lambda: now[0])
    before = service.count_jobs()
    watching = watcher(client, folder, seen, settle_s=5.0)
    for seconds, content in ((0.0, b""), (4.0, b"more"), (4.0, b"more")):
        now[0] += seconds
        (folder / "a.mseed").write_bytes(mseed + content)
        watching.step()
    assert service.count_jobs() == before
    now[0] += 6.0
    watching.step()
    assert service.count_jobs() == before + 1


def test_what_is_refused_or_fails_is_reported_once(client, folder, seen, mseed):
    (folder / "broken.mseed").write_bytes(mseed + b"x")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    watching = watcher(client, folder, seen)
    run(watching)
    run(watcher(client, folder, seen))
    assert sorted(seen) == [("broken.mseed", "failed", None), ("photo.jpg", "refused", None)]
    assert watching.failures == 2


def test_a_service_that_is_away_is_tried_again(service, folder, seen, mseed):
    (folder / "a.mseed").write_bytes(mseed + b"away")
    away = [True]

    class Flaky(httpx.HTTPTransport):
        def handle_request(self, request):
            if away:
                raise httpx.ConnectError("refused")
            return super().handle_request(request)

    with Client(service.url, retries=POLICY, transport=Flaky()) as client:
        watching = watcher(client, folder, seen)
        with pytest.raises(ServiceUnreachable):
            watching.step()
        away.clear()
        run(watching)
    assert seen == [("a.mseed", "succeeded", "earthquake")]


def test_common_files_and_options_belong_to_the_submission(client, service, folder, seen, mseed, tmp_path):
    (folder / "a.mseed").write_bytes(mseed + b"common")
    stations = tmp_path / "stations.xml"
    stations.write_text("<x/>")
    run(watcher(client, folder, seen, kind="classify", common=[stations]))
    assert next(client.jobs()).parts == ["a.mseed", "stations.xml"]
    before = service.count_jobs()
    (folder / STATE_NAME).unlink()
    run(watcher(client, folder, seen, kind="locate", options={"event_type": "glacial"}))
    assert service.count_jobs() == before + 1, "another question about the same content"


def test_a_state_that_cannot_be_read_is_reported_and_not_overwritten(client, folder, seen):
    (folder / STATE_NAME).write_text("{}")
    with pytest.raises(AtlasClientError, match="delete it to begin anew"):
        watcher(client, folder, seen)
    assert (folder / STATE_NAME).read_text() == "{}"


def test_the_command_prints_a_line_an_event(service, folder, mseed, monkeypatch, capsys):
    monkeypatch.setenv("ATLAS_URL", service.url)
    (folder / "a.mseed").write_bytes(mseed + b"command")
    (folder / "none.mseed").write_bytes(mseed + b"none")
    options = ["--once", "--settle", "0", "--interval", "0.05"]
    assert main(["watch", str(folder), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("a.mseed: tectonic earthquake, 2001-09-09 01:46:36.0, 38.20° N, 142.70° E ± 21 km (job") for line in lines)
    assert any(line.startswith("none.mseed: no event detected (job") for line in lines)
    assert main(["watch", str(folder), *options, "--json"]) == 0
    assert capsys.readouterr().out == "", "nothing is new"
