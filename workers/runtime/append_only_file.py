"""
Check the append-only files of the embedded queue before its server loads them.

The server takes whatever a damaged length swallows for an unfinished last write, cuts it off and goes on without the jobs recorded after
it. Here an unfinished write and damage in the middle are distinguished: after the latter more commands follow.
"""

import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from workers.queue.damage import Damage, record_damage

_FOLDER: Final = "appendonlydir"
_COMMAND: Final = re.compile(rb"\r\n\*[1-9][0-9]{0,5}\r\n\$[0-9]{1,9}\r\n")
_MAX_NUMBER_BYTES: Final = 32
_BLOCK_BYTES: Final = 2**20


def repair_append_only_files(queue_folder: Path) -> None:
    """
    Cut each append-only file after its last intact command, as the server would, and record damage in the middle in `damage.json`.

    Damaged files are copied first. An unfinished last write, which was not acknowledged to anybody, is cut without a record.
    """
    for path in sorted((queue_folder / _FOLDER).glob("*.incr.aof")):
        size, intact = path.stat().st_size, find_intact_bytes(path)
        if intact == size:
            continue
        log = structlog.get_logger("atlas")
        if not _has_command_after(path, intact):
            log.warning("the append-only file ends with an unfinished write, which is cut off", file=path.name, bytes=size - intact)
        else:
            damage = _set_aside(path, intact)
            log.error("the append-only file of the queue is damaged", **damage.model_dump(mode="json"))
            record_damage(queue_folder, damage)
        with path.open("r+b") as file:
            file.truncate(intact)


def find_intact_bytes(path: Path) -> int:
    """Return the number of bytes from the beginning of a file that are whole commands (arrays of bulk strings of RESP)."""
    with path.open("rb", buffering=_BLOCK_BYTES) as file:
        intact = 0
        while _skip_command(file):
            intact = file.tell()
        return intact


def _skip_command(file: BinaryIO) -> bool:
    """Read over one command, or a comment line; False at the end of the file and where there is none."""
    head = file.readline(_MAX_NUMBER_BYTES)
    if head.startswith(b"#"):
        return head.endswith(b"\n") or file.readline().endswith(b"\n")
    count = _parse_number(head, b"*")
    return count is not None and all(_skip_bulk_string(file) for _ in range(count))


def _skip_bulk_string(file: BinaryIO) -> bool:
    length = _parse_number(file.readline(_MAX_NUMBER_BYTES), b"$")
    if length is None:
        return False
    file.seek(length, 1)
    return file.read(2) == b"\r\n"


def _parse_number(line: bytes, kind: bytes) -> int | None:
    digits = line[1:-2]
    return int(digits) if line[:1] == kind and line[-2:] == b"\r\n" and digits.isdigit() else None


def _has_command_after(path: Path, offset: int) -> bool:
    """Return whether a command begins somewhere after the broken one at the offset."""
    with path.open("rb") as file:
        file.seek(offset)
        carried = b""
        while block := file.read(_BLOCK_BYTES):
            if _COMMAND.search(carried + block):
                return True
            carried = block[-_MAX_NUMBER_BYTES:]
    return False


def _set_aside(path: Path, intact: int) -> Damage:
    """Copy all append-only files into a folder beside them and return the record of the damage."""
    folder = path.parents[1]
    copy = folder / f"damaged-{time.time_ns()}"
    shutil.copytree(path.parent, copy)
    lost = path.stat().st_size - intact
    return Damage(found_at=datetime.now(UTC), file=path.name, offset=intact, lost_bytes=lost, copy_in=copy.name)
