"""Where a worker keeps parts that are no files yet while they are read, and who removes what a killed worker has left."""

import os
import re
import shutil
import tempfile
from pathlib import Path

_SPOOL = re.compile(r"atlas-spool-(?P<owner>\d+)-(?P<pid>\d+)-\w+")


def tempdir_prefix(pid: int) -> str:
    """How the temporary folders of a process begin; the folder for temporary files is the system's (TMPDIR)."""
    return f"atlas-spool-{os.getuid()}-{pid}-"


def sweep_tempdirs() -> int:
    """Remove the temporary folders of our processes that are gone (of this host or container); how many."""
    folders = [folder for folder in Path(tempfile.gettempdir()).glob("atlas-spool-*") if _is_left(folder)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)


def _is_left(folder: Path) -> bool:
    found = _SPOOL.fullmatch(folder.name)
    return found is not None and int(found["owner"]) == os.getuid() and not folder.is_symlink() and not _lives(int(found["pid"]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
