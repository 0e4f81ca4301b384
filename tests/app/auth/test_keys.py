import errno
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from app.auth.command import main
from app.auth.exposure import KeysNeeded, check_exposure, is_loopback
from app.auth.keys import KeysUnusable, Scope, UnknownKey, add_key, digest_of, new_key, read_keys, revoke_key
from app.auth.running import announce_keys, find_keys_path
from workers.settings import Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104 -- nothing listens


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("ATLAS_KEYS_FILE", str(tmp_path / "some" / "keys.json"))
    return tmp_path / "some" / "keys.json"


def test_a_key_is_stored_without_its_secret_in_a_private_file(path):
    key, text = new_key("lab", [Scope.READ], 1)
    add_key(path, key)
    assert read_keys(path) == (key,)
    assert text not in path.read_text()
    assert text.split("_", 2)[2] not in path.read_text()
    assert key.digest == digest_of(text)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_unique_and_hold_256_random_bits():
    texts = {new_key("lab", [Scope.READ], 1)[1] for _ in range(100)}
    assert len(texts) == 100
    assert {len(text.split("_", 2)[2]) for text in texts} == {43}


def test_a_key_is_valid_until_it_expires_or_is_revoked(path):
    key, _ = new_key("lab", [Scope.READ], 1)
    now = datetime.now(UTC)
    assert (key.is_valid(now), key.is_valid(now + timedelta(days=1.01))) == (True, False)
    add_key(path, key)
    revoke_key(path, key.id)
    assert [stored.is_valid(now) for stored in read_keys(path)] == [False]


def test_an_unknown_key_cannot_be_revoked(path):
    with pytest.raises(UnknownKey):
        revoke_key(path, "none")


@pytest.mark.parametrize("owner", ["", "../x", "a b", "a\nb", "x" * 65, "é"])
def test_an_owner_with_other_characters_is_invalid(owner):
    with pytest.raises(ValidationError):
        new_key(owner, [Scope.READ], 1)


@pytest.mark.parametrize("content", ["", "[]", '{"keys": [{"id": "a"}]}', "\0"])
def test_an_invalid_key_file_is_an_error(path, content):
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(KeysUnusable):
        read_keys(path)


def test_a_key_file_that_others_may_write_is_an_error(path):
    add_key(path, new_key("lab", [Scope.READ], 1)[0])
    path.chmod(0o666)
    with pytest.raises(KeysUnusable):
        read_keys(path)


def test_a_key_that_finds_no_space_leaves_the_file_and_nothing_else(path, monkeypatch):
    add_key(path, new_key("lab", [Scope.READ], 1.0)[0])
    before = path.read_bytes()

    def fail(_descriptor):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        add_key(path, new_key("other", [Scope.READ], 1.0)[0])
    assert path.read_bytes() == before
    assert sorted(found.name for found in path.parent.iterdir()) == ["keys.json", "keys.json.lock"]


def test_the_command_creates_lists_and_revokes(path, capsys):
    assert main(["create", "lab", "--scope", "read", "--days", "2"]) == 0
    text = capsys.readouterr().out.strip()
    (key,) = read_keys(path)
    assert (digest_of(text), key.owner, key.scopes) == (key.digest, "lab", (Scope.READ,))
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert key.id in listed
    assert "valid" in listed
    assert text not in listed
    assert main(["revoke", key.id]) == 0
    assert main(["list"]) == 0
    assert "revoked" in capsys.readouterr().out


def test_the_command_prints_the_key_alone_and_names_its_file(path, capsys):
    assert main(["create", "lab"]) == 0
    printed = capsys.readouterr()
    assert digest_of(printed.out.strip()) == read_keys(path)[0].digest
    assert str(path) in printed.err


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working directory and a temporary folder of the test, without settings in the environment."""
    for name in ("ATLAS_KEYS_FILE", "ATLAS_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_works_on_the_data_folder_of_the_running_service(elsewhere):
    """Also if the service was started with another folder than the default, as by `make serve DATA=...`."""
    with announce_keys(Settings(data_dir=elsewhere / "srv")):
        assert main(["create", "lab"]) == 0
    assert [key.owner for key in read_keys(elsewhere / "srv" / "keys.json")] == ["lab"]
    assert main(["create", "other"]) == 0
    assert [key.owner for key in read_keys(elsewhere / "data" / "keys.json")] == ["other"]


def test_the_command_asks_which_of_several_services_is_meant(elsewhere, capsys):
    with announce_keys(Settings(data_dir=elsewhere / "srv")):
        (other,) = (elsewhere / f"atlas-{os.getuid()}-services").glob("*.keys")
        other.rename(other.with_name("1.keys"))
        with announce_keys(Settings(data_dir=elsewhere / "b")):
            assert main(["create", "lab"]) == 1
            assert "--data" in capsys.readouterr().out
            assert main(["--data", str(elsewhere / "b"), "create", "lab"]) == 0
    assert len(read_keys(elsewhere / "b" / "keys.json")) == 1


def test_a_service_that_was_killed_is_not_taken_for_running(elsewhere):
    folder = elsewhere / f"atlas-{os.getuid()}-services"
    folder.mkdir()
    (folder / "1.keys").write_text(str(elsewhere / "gone" / "keys.json"))
    assert find_keys_path(Settings()) == Settings().data_dir / "keys.json"


def test_by_default_a_key_allows_submitting_and_reading_for_a_year(path):
    main(["create", "lab"])
    (key,) = read_keys(path)
    assert key.scopes == (Scope.SUBMIT, Scope.READ)
    assert (key.expires_at - key.created_at).days == 365


@pytest.mark.parametrize("arguments", [["create", "no name"], ["revoke", "none"]])
def test_a_failing_command_prints_an_error(path, capsys, arguments):
    assert main(arguments) == 1
    assert capsys.readouterr().out.startswith("keys: ")


@pytest.mark.parametrize("days", ["0", "-1", "99999", "x", "nan"])
def test_a_lifetime_out_of_bounds_is_an_error(days):
    with pytest.raises(SystemExit):
        main(["create", "lab", "--days", days])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9:80", "::1", "[::1]:8000", "localhost", "LOCALHOST:1", "a.localhost"])
def test_loopback_hosts_are_recognized(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", EVERYWHERE, "::", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "[::]:80"])
def test_other_hosts_are_not_loopback(host):
    assert not is_loopback(host)


def test_listening_beyond_this_machine_needs_a_valid_key(path):
    settings = Settings(host=EVERYWHERE)
    with pytest.raises(KeysNeeded, match="keys create"):
        check_exposure(settings)
    add_key(path, new_key("lab", [Scope.READ], -1)[0])
    with pytest.raises(KeysNeeded):
        check_exposure(settings)
    add_key(path, new_key("lab", [Scope.READ], 1)[0])
    check_exposure(settings)


def test_listening_on_loopback_needs_no_key(path):
    check_exposure(Settings())
