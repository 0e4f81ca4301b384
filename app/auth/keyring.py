"""Who sends a request: the keys as they stand now, and whether one is needed at all."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from app.auth.exposure import is_loopback
from app.auth.keys import Key, KeysUnusable, Scope, digest_of, keys_path, read_keys
from app.errors import Forbidden, KeysUnreadable, Unauthorized
from workers.settings import Settings


@dataclass(frozen=True)
class Caller:
    """Who asks; `owner` is the empty string where no keys are asked for."""

    owner: str
    scopes: frozenset[Scope]

    def must(self, scope: Scope) -> None:
        """Raises Forbidden where the key is not good for that."""
        if scope not in self.scopes:
            raise Forbidden(f"the key does not have the scope {scope.value}")


ANYONE = Caller("", frozenset(Scope))
"""Somebody on this machine, where there are no keys."""


class Keyring:
    """
    The keys of the file, read again whenever it changes: what is revoked opens nothing from the next request on.

    Keys are asked for as soon as the file holds any, and always beyond loopback; a file that has become unreadable or has
    gone meanwhile lets nobody in.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = keys_path(settings)
        self._state: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}
        self._required = not is_loopback(settings.host)

    @property
    def required(self) -> bool:
        """Whether a key is asked for; once it was, it stays so until the service is started again. Raises KeysUnreadable."""
        self._refresh()
        self._required = self._required or bool(self._keys)
        return self._required

    def identify(self, text: str | None) -> Caller:
        """Whose key that is; raises Unauthorized, KeysUnreadable."""
        self._refresh()
        digest = digest_of(text or "")
        key = self._keys.get(digest)
        # Found by digest: how long that takes tells of a digest, from which nobody gets to a key.
        if not text or key is None or not hmac.compare_digest(key.digest, digest) or not key.good(datetime.now(UTC)):
            raise Unauthorized("send a valid key in X-API-Key", headers={"WWW-Authenticate": 'Bearer realm="atlas"'})
        structlog.contextvars.bind_contextvars(owner=key.owner, key=key.id)
        return Caller(key.owner, frozenset(key.scopes))

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            if state != self._state:
                self._keys = {key.digest: key for key in read_keys(self._path)}
                self._state = state
        except FileNotFoundError:
            self._state, self._keys = None, {}
        except (OSError, KeysUnusable) as error:
            self._state, self._keys = None, {}
            structlog.get_logger("atlas").error("keys unreadable", detail=str(error))
            raise KeysUnreadable("the keys cannot be read; the service's log says why") from error


def check_local(headers: Mapping[str, str]) -> None:
    """
    Where no key is asked for, only those on this machine are meant, and no page of elsewhere in their browser.

    A foreign page can send a form here (Sec-Fetch-Site tells), or have its own name point to loopback (Host tells). Raises
    Forbidden.
    """
    if not is_loopback(headers.get("host", "")):
        raise Forbidden("without API keys the service answers to the name localhost and to loopback addresses alone")
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Forbidden("without API keys the service answers no other site's pages")
