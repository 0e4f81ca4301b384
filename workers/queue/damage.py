"""The record of damage found in the embedded queue's append-only file: written at the start of the server, reported by readiness."""

from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel

_NAME: Final = "damage.json"


class Damage(BaseModel):
    """Damage in the middle of an append-only file: what followed it was not loaded. Kept until the operator removes the file."""

    found_at: datetime
    file: str
    offset: int
    lost_bytes: int
    copy_in: str


def record_damage(queue_folder: Path, damage: Damage) -> None:
    """Write the record into the folder of the queue, whole or not at all."""
    temporary = queue_folder / f".{_NAME}"
    temporary.write_text(damage.model_dump_json(indent=2))
    temporary.replace(queue_folder / _NAME)


def read_damage(queue_folder: Path) -> Damage | None:
    """Return the recorded damage of the append-only files; None if there is none. Raises OSError, ValueError."""
    try:
        return Damage.model_validate_json((queue_folder / _NAME).read_bytes())
    except FileNotFoundError:
        return None
