"""Settings from variables and from files of secrets."""

import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from structlog.testing import capture_logs

from app import __main__ as app_command
from models.environment import BadSettings
from workers import __main__ as workers_command
from workers import settings as module
from workers.queue.connection import connect, connect_listener
from workers.runtime.supervisor import worker_environment
from workers.settings import Settings, read_settings, warn_of_unknown_variables


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets, as container engines mount it."""
    monkeypatch.setattr(module, "SECRETS_DIR", tmp_path)
    monkeypatch.setenv("REDIS_URL", "redis://queue:6379/0")
    (tmp_path / "atlas_queue_password").write_text("correct-horse\n")
    return tmp_path


def password_of(settings: Settings) -> str | None:
    with connect(settings) as client:
        passwords = {client.connection_pool.connection_kwargs.get("password")}
    passwords.add(connect_listener(settings).connection_pool.connection_kwargs.get("password"))
    [password] = passwords
    return password


def test_a_secret_is_read_from_its_file_without_the_end_of_the_line(secrets: Path):
    assert password_of(Settings()) == "correct-horse"


def test_a_variable_and_the_url_take_precedence_over_the_file(secrets: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATLAS_QUEUE_PASSWORD", "battery")
    assert password_of(Settings()) == "battery"
    monkeypatch.setenv("REDIS_URL", "redis://:staple@queue:6379/0")
    assert password_of(Settings()) == "staple"


def test_the_embedded_server_is_given_no_password(secrets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("REDIS_URL")
    assert password_of(Settings(data_dir=tmp_path)) is None


def test_a_worker_reads_the_file_of_the_password_itself_so_that_no_variable_shows_it(secrets: Path):
    settings = Settings()
    assert "ATLAS_QUEUE_PASSWORD" not in worker_environment(settings)
    assert "correct-horse" not in repr(settings)


def test_a_worker_is_given_a_password_that_it_would_not_read_itself(secrets: Path):
    given = Settings(queue_password="battery")  # noqa: S106 -- made up
    assert worker_environment(given)["ATLAS_QUEUE_PASSWORD"] == "battery"  # noqa: S105 -- made up


def test_without_a_folder_of_secrets_variables_alone_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(module, "SECRETS_DIR", tmp_path / "none")
    assert Settings().queue_password is None


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("ATLAS_PORT", "abc", ("holds 'abc'", "a whole number, at least 0 and at most 65535", "port to listen on")),
        ("ATLAS_PORT", "70000", ("holds '70000'", "at most 65535")),
        ("ATLAS_MAX_SPAN_S", "6h", ("holds '6h'", "a number, above 0", "seconds")),
        ("ATLAS_THREADS", "", ("holds ''", "a whole number, at least 1")),
        ("ATLAS_EXECUTION_PROVIDER", "gpu", ("holds 'gpu'", "auto, cpu or cuda")),
        ("ATLAS_AGENCY_ID", "a b", ("holds 'a b'", "letters, digits")),
        ("REDIS_URL", "localhost:6379", ("redis://",)),
        ("REDIS_URL", "redis://queue:port/0", ("redis://",)),
    ],
)
def test_a_bad_value_is_answered_by_the_variable_the_value_and_what_is_expected(
    variable: str, value: str, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSettings) as raised:
        read_settings()
    assert raised.value.detail.startswith(f"{variable} ")
    assert "\n" not in raised.value.detail
    assert [part for part in parts if part not in raised.value.detail] == []


def test_each_bad_setting_has_a_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATLAS_PORT", "abc")
    monkeypatch.setenv("ATLAS_THREADS", "0")
    with pytest.raises(BadSettings) as raised:
        read_settings()
    assert sorted(line.partition(" ")[0] for line in raised.value.detail.splitlines()) == ["ATLAS_PORT", "ATLAS_THREADS"]


def test_what_may_be_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REDIS_URL", "http://:correct-horse@queue")
    with pytest.raises(BadSettings) as raised:
        read_settings()
    assert "correct-horse" not in raised.value.detail


def test_heartbeats_rarer_than_their_time_to_live_are_refused(monkeypatch: pytest.MonkeyPatch):
    """Between two of them every worker would count as dead, and its job would be taken from it."""
    monkeypatch.setenv("ATLAS_HEARTBEAT_S", "20")
    with pytest.raises(BadSettings, match=r"ATLAS_HEARTBEAT_TTL_S \(12\) must be above ATLAS_HEARTBEAT_S \(20\)"):
        read_settings()


def test_flags_take_precedence_and_are_checked_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATLAS_PORT", "8001")
    assert read_settings(port=8002).port == 8002
    with pytest.raises(BadSettings, match="ATLAS_PORT holds '99999'"):
        read_settings(port=99999)


@pytest.mark.parametrize("arguments", [[], ["openapi"], ["keys", "list"], ["--port", "8000"]])
def test_the_command_of_the_service_ends_with_a_line_for_a_bad_setting(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ATLAS_PORT", "abc")
    assert app_command.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "ATLAS_PORT holds 'abc'; expected: a whole number, at least 0 and at most 65535 (port to listen on)\n"


@pytest.mark.parametrize("command", [app_command, workers_command])
def test_a_misspelled_variable_is_named_in_a_line_at_the_start(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ATLAS_BLOB_URL", "s4://store/blobs")  # ends the start
    monkeypatch.setenv("ATLAS_PROT", "9000")
    assert command.main([]) == 2
    line = json.loads(capsys.readouterr().err.splitlines()[0])
    assert (line["level"], line["variables"]) == ("warning", "ATLAS_PROT (did you mean ATLAS_PORT?)")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (["ATLAS_PORT", "ATLAS_TRAINING_PROCESSES", "ATLAS_URL", "atlas_port", "PORT", "REDIS_URL"], []),
        (["ATLAS_FOO", "ATLAS_DATADIR"], ["ATLAS_DATADIR (did you mean ATLAS_DATA_DIR?), ATLAS_FOO"]),
        (["ATLAS_REDIS_URL"], ["ATLAS_REDIS_URL (did you mean REDIS_URL?)"]),
    ],
)
def test_variables_that_nothing_reads_are_named_and_no_others(variables: list[str], expected: list[str]):
    with capture_logs() as lines:
        warn_of_unknown_variables(dict.fromkeys(variables, "1"))
    assert [line["variables"] for line in lines] == expected


def test_no_variable_of_the_compose_file_is_unknown():
    text = (Path(__file__).parents[2] / "docker-compose.yml").read_text()
    with capture_logs() as lines:
        warn_of_unknown_variables(dict.fromkeys(re.findall(r"ATLAS_[A-Z_]+", text), "1"))
    assert lines == []


@pytest.mark.parametrize("command", [app_command, workers_command])
def test_a_store_that_cannot_be_opened_is_named_before_anything_starts(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ATLAS_BLOB_URL", "s4://:correct-horse@store/blobs")
    assert command.main([]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("ATLAS_BLOB_URL names no store that can be opened (Protocol not known: s4)")
    assert "correct-horse" not in line


@pytest.mark.parametrize("arguments", [[], ["--one", "name"]])
def test_the_command_of_workers_ends_with_a_line_for_a_bad_setting(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ATLAS_THREADS", "0")
    assert workers_command.main(arguments) == 2
    assert capsys.readouterr().err.startswith("ATLAS_THREADS holds '0'; expected: a whole number, at least 1")
