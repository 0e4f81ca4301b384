"""Which services of this user run here, so that `python -m app keys` finds the key file of the one that is meant."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from app.auth.keys import keys_path
from models.errors import AtlasError
from workers.settings import Settings


class SeveralServices(AtlasError):
    """Several services run, and the command does not say whose keys are meant."""

    code = "several-services"


@contextmanager
def announce_keys(settings: Settings) -> Iterator[None]:
    """
    Name the key file of this service to commands of the same user while the block runs.

    The name stands in a file that this process keeps locked, so that one left behind by a killed service is recognized. Where the system's
    temporary folder cannot be written, nothing is announced.
    """
    try:
        folder = _folder()
        folder.mkdir(mode=0o700, exist_ok=True)
        file = (folder / f"{os.getpid()}.keys").open("wb")
    except OSError:
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(os.fsencode(keys_path(settings).resolve()))
        file.flush()
        try:
            yield
        finally:
            with suppress(OSError):
                os.unlink(file.name)


def find_keys_path(settings: Settings) -> Path:
    """
    Return the key file that a command without `--data` means; raises SeveralServices.

    It is the one that the settings name, else that of the one running service of this user, else the one in the default data folder.
    """
    if settings.keys_file is not None or "data_dir" in settings.model_fields_set:
        return keys_path(settings)
    running = sorted(set(_list_announced()))
    if len(running) > 1:
        raise SeveralServices(f"several services run; say with --data which is meant. Their key files: {', '.join(map(str, running))}")
    return running[0] if running else keys_path(settings)


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"atlas-{os.getuid()}-services"


def _list_announced() -> Iterator[Path]:
    """Yield the key files of running services; files that are not locked any more, or belong to others, are passed over."""
    folder = _folder()
    with suppress(FileNotFoundError):
        if folder.stat().st_uid != os.getuid():
            return
    for path in folder.glob("*.keys"):
        with suppress(OSError), path.open("rb") as file:
            if _is_locked(file):
                yield Path(os.fsdecode(file.read()))


def _is_locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
