"""Temporary folders for uploads that are not local files, named so that those of a killed worker can be found and deleted."""

import os
import re
import shutil
import tempfile
from pathlib import Path

_NAME = re.compile(r"atlas-tempdir-(?P<owner>\d+)-(?P<pid>\d+)-\w+")


def tempdir_prefix(pid: int) -> str:
    """Return the prefix of a process's temporary folders, which lie in the system's folder for them (TMPDIR)."""
    return f"atlas-tempdir-{os.getuid()}-{pid}-"


def sweep_tempdirs() -> int:
    """Delete the temporary folders of this user's ended processes on this host or container; returns their number."""
    folders = [folder for folder in Path(tempfile.gettempdir()).glob("atlas-tempdir-*") if _is_orphaned(folder)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)


def _is_orphaned(folder: Path) -> bool:
    match = _NAME.fullmatch(folder.name)
    return match is not None and int(match["owner"]) == os.getuid() and not folder.is_symlink() and not _is_alive(int(match["pid"]))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
