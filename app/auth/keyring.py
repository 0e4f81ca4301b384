"""Authenticate the caller of a request by its API key, and require a key where the service needs one."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import structlog

from app.auth.audit import record_audit
from app.auth.exposure import is_loopback
from app.auth.keys import Key, KeysUnusable, Scope, digest_of, keys_path, read_keys
from app.errors import Forbidden, KeysUnreadable, Unauthorized
from workers.settings import Settings


@dataclass(frozen=True)
class Caller:
    """The authenticated caller of a request; `owner` and `digest` (of the key) are empty where no keys are required."""

    owner: str
    scopes: frozenset[Scope]
    digest: str = ""

    def require(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"the API key lacks the scope {scope.value}; ask the operator of the service for a key that has it")


LOCAL_CALLER = Caller("", frozenset(Scope))
"""The caller of every request where no keys are required: somebody on this machine, with all scopes."""


class Keyring:
    """
    The keys of the key file, read again whenever the file changes, so that revoking a key takes effect with the next request.

    Keys are required once the file has held any, and always where the service listens beyond loopback. While the file cannot be
    read, or once it has been deleted, no caller is authenticated.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = keys_path(settings)
        self._file_state: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}
        self._required = not is_loopback(settings.host)

    @property
    def required(self) -> bool:
        """Whether a key is required; once true, it stays so until the service restarts. Raises KeysUnreadable."""
        self._refresh()
        self._required = self._required or bool(self._keys)
        return self._required

    def identify(self, text: str | None) -> Caller:
        """Return the caller with this API key; raises Unauthorized, KeysUnreadable."""
        self._refresh()
        digest = digest_of(text or "")
        key = self._keys.get(digest)
        # The lookup by digest takes a time that depends on the digest alone, from which no key can be derived.
        if not text or key is None or not hmac.compare_digest(key.digest, digest) or not key.is_valid(datetime.now(UTC)):
            if text:
                record_audit("key-refused", key=key.id if key else "unknown")
            raise Unauthorized(
                "the request has no valid API key; send one in the X-API-Key header, or as a bearer token",
                headers={"WWW-Authenticate": 'Bearer realm="atlas"'},
            )
        structlog.contextvars.bind_contextvars(owner=key.owner, key=key.id)
        return Caller(key.owner, frozenset(key.scopes), digest)

    def check(self, caller: Caller) -> None:
        """Raise Unauthorized if the caller's key has been revoked or has expired since the request began; raises KeysUnreadable."""
        if not caller.digest and not self.required:
            return
        self._refresh()
        key = self._keys.get(caller.digest)
        if key is None or not key.is_valid(datetime.now(UTC)):
            raise Unauthorized("the API key is not valid any more")

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            if state != self._file_state:
                self._keys = {key.digest: key for key in read_keys(self._path)}
                self._file_state = state
        except FileNotFoundError:
            self._file_state, self._keys = None, {}
        except (OSError, KeysUnusable) as error:
            self._file_state, self._keys = None, {}
            structlog.get_logger("atlas").error("cannot read the API keys", detail=str(error))
            raise KeysUnreadable("the service cannot read its API keys; its operator finds the reason in the log") from error


def check_local(headers: Mapping[str, str]) -> None:
    """
    Raise Forbidden unless a request without keys comes from this machine and not from a foreign web page.

    A foreign page in a local browser can send a form here (Sec-Fetch-Site shows it, in browsers without that header Origin), or make its
    own host name resolve to loopback (Host shows it).
    """
    if not is_loopback(headers.get("host", "")):
        raise Forbidden("without API keys the service accepts requests to localhost and to loopback addresses only")
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Forbidden("without API keys the service accepts no requests from the pages of other sites")
    if "origin" in headers and not _is_same_host(headers["origin"], headers["host"]):
        raise Forbidden("without API keys the service accepts no requests from the pages of other origins")


def _is_same_host(origin: str, host: str) -> bool:
    """Return whether a page's origin, such as `http://localhost:8000` or `null`, has the host and port that the request is sent to."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
