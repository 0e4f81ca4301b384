"""API keys: created with an owner, scopes and an expiry date, shown once, and stored as digests in a key file."""

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
    """The key file cannot be read, holds something else, or is writable by other users."""

    code = "keys-unusable"


class UnknownKey(AtlasError):
    """No key in the file has that id."""

    code = "unknown-key"


class Scope(StrEnum):
    """What a key allows: submitting and canceling jobs, reading jobs, or reading the metrics of the service."""

    SUBMIT = "submit"
    READ = "read"
    ADMIN = "admin"


class Key(BaseModel):
    """
    A key as stored: everything but its secret.

    A plain SHA-256 digest suffices, because a secret of 256 random bits cannot be guessed however fast the digest is; a slow
    digest would only make it easier to overload the service.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    owner: str = Field(pattern=OWNER, description="who uses the key; jobs belong to the owner, so that a key can be replaced")
    scopes: tuple[Scope, ...]
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the whole key")
    created_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the key is neither revoked nor expired at that time."""
        return self.revoked_at is None and now < self.expires_at


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: tuple[Key, ...] = ()


def keys_path(settings: Settings) -> Path:
    """Return the path of the key file."""
    return settings.keys_file or settings.data_dir / "keys.json"


def new_key(owner: str, scopes: Sequence[Scope], days: float) -> tuple[Key, str]:
    """Create a key; return it and its text with the secret, which is stored nowhere. Raises ValueError for an invalid owner."""
    key_id = secrets.token_hex(4)
    text = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=days)
    return Key(id=key_id, owner=owner, scopes=tuple(scopes), digest=digest_of(text), created_at=now, expires_at=expires_at), text


def digest_of(text: str) -> str:
    """Return the SHA-256 of the text of a key, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_keys(path: Path) -> tuple[Key, ...]:
    """Read the key file; without a file there are no keys. Raises KeysUnusable."""
    try:
        if path.stat().st_mode & _WRITABLE_BY_OTHERS:
            raise KeysUnusable("the key file is writable by other users; remove that permission (chmod 600)")
        return _Keys.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        raise KeysUnusable("the key file cannot be read or is not valid") from error


def change_keys(path: Path, change: Callable[[tuple[Key, ...]], Sequence[Key]]) -> None:
    """Replace the key file by `change(keys)`, atomically and synced to disk, under a lock. Raises KeysUnusable."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_name(f"{path.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = _Keys(keys=tuple(change(read_keys(path)))).model_dump_json(indent=2)
        temporary = path.with_name(f".{path.name}.{uuid4().hex}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def add_key(path: Path, key: Key) -> None:
    """Add a key to the file; raises KeysUnusable."""
    change_keys(path, lambda keys: (*keys, key))


def revoke_key(path: Path, key_id: str) -> None:
    """Revoke a key, effective with the next request; raises UnknownKey, KeysUnusable."""

    def revoke(keys: tuple[Key, ...]) -> list[Key]:
        if key_id not in {key.id for key in keys}:
            raise UnknownKey(f"no key has the id {key_id!r}; `python -m app keys list` shows all ids")
        changes = {"revoked_at": datetime.now(UTC)}
        return [key.model_copy(update=changes) if key.id == key_id and key.revoked_at is None else key for key in keys]

    change_keys(path, revoke)
