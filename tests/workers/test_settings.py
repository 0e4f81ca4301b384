"""Settings from variables and from files of secrets."""

from pathlib import Path

import pytest

from workers import settings as module
from workers.queue.connection import connect, connect_listener
from workers.runtime.supervisor import worker_environment
from workers.settings import Settings


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
