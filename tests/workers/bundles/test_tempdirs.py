import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from workers.bundles.tempdirs import sweep_tempdirs, tempdir_prefix


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def ended_pid() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_folders_of_ended_processes_are_deleted_and_no_others(temporary: Path):
    left = Path(tempfile.mkdtemp(prefix=tempdir_prefix(ended_pid())))
    (left / "0").write_bytes(b"part")
    mine = Path(tempfile.mkdtemp(prefix=tempdir_prefix(os.getpid())))
    (temporary / "atlas-tempdir-else").mkdir()
    (temporary / f"atlas-tempdir-{os.getuid() + 1}-{ended_pid()}-x").mkdir()
    assert sweep_tempdirs() == 1
    assert not left.exists()
    assert mine.exists()
    assert len(list(temporary.iterdir())) == 3


def test_a_link_is_not_followed(temporary: Path):
    (temporary / "precious").mkdir()
    (temporary / f"{tempdir_prefix(ended_pid())}x").symlink_to(temporary / "precious")
    assert sweep_tempdirs() == 0
    assert (temporary / "precious").exists()
