"""API keys: shown once, kept as digests in a file of their own, good for some scopes, of one owner, until a day."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from models.errors import AtlasError
from workers.settings import Settings

PREFIX: Final = "atlas"
OWNER: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_WRITABLE_BY_OTHERS: Final = 0o022


class KeysUnusable(AtlasError):
    """The file of keys cannot be read, is not one, or others may write it."""

    code = "keys-unusable"


class UnknownKey(AtlasError):
    """No key has that id."""

    code = "unknown-key"


class Scope(StrEnum):
    """What a key is good for."""

    SUBMIT = "submit"
    READ = "read"
    ADMIN = "admin"


class Key(BaseModel):
    """
    A key without its secret.

    A secret of 256 random bits cannot be guessed however fast its digest is, so a plain SHA-256 keeps it; a slow one would
    only help whoever wants the service busy.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    owner: str = Field(pattern=OWNER, description="who sends it; jobs belong to the owner, so that keys can be renewed")
    scopes: tuple[Scope, ...]
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the whole key")
    created_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None = None

    def good(self, now: datetime) -> bool:
        """Whether it opens anything at that time."""
        return self.revoked_at is None and now < self.expires_at


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: tuple[Key, ...] = ()


def keys_path(settings: Settings) -> Path:
    """Where the keys are kept."""
    return settings.keys_file or settings.data_dir / "keys.json"


def new_key(owner: str, scopes: Sequence[Scope], days: float) -> tuple[Key, str]:
    """A key and its secret text, which is nowhere else; raises ValueError for an owner that is no name."""
    key_id = secrets.token_hex(4)
    text = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=days)
    return Key(id=key_id, owner=owner, scopes=tuple(scopes), digest=digest_of(text), created_at=now, expires_at=expires_at), text


def digest_of(text: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in the file, none where there is no file; raises KeysUnusable."""
    try:
        if path.stat().st_mode & _WRITABLE_BY_OTHERS:
            raise KeysUnusable("others may write the file of keys; take that right from them")
        return _Keys.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        raise KeysUnusable("the file of keys cannot be read or holds no keys") from error


def change_keys(path: Path, change: Callable[[tuple[Key, ...]], Sequence[Key]]) -> None:
    """Put what `change` makes of the keys in their place, at once and for good; two commands take turns. Raises KeysUnusable."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_name(f"{path.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = _Keys(keys=tuple(change(read_keys(path)))).model_dump_json(indent=2)
        temporary = path.with_name(f".{path.name}.{uuid4().hex}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def add_key(path: Path, key: Key) -> None:
    """Keep one more; raises KeysUnusable."""
    change_keys(path, lambda keys: (*keys, key))


def revoke_key(path: Path, key_id: str) -> None:
    """From now on it opens nothing; raises UnknownKey, KeysUnusable."""

    def revoked(keys: tuple[Key, ...]) -> list[Key]:
        if key_id not in {key.id for key in keys}:
            raise UnknownKey(f"no key has the id {key_id!r}")
        ended = {"revoked_at": datetime.now(UTC)}
        return [key.model_copy(update=ended) if key.id == key_id and key.revoked_at is None else key for key in keys]

    change_keys(path, revoked)
