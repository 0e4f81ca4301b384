"""Entity tags of answers that do not change, and the answer to a conditional request (RFC 9110, section 13)."""

import hashlib
import re
from typing import Final

from fastapi import Request, Response

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


def make_etag(*parts: object) -> str:
    """Make an entity tag of what identifies an answer; weak, because its bytes differ with their compression."""
    text = "\n".join(map(str, parts)).encode()
    return f'W/"{hashlib.sha256(text).hexdigest()[:32]}"'


def is_unchanged(request: Request, etag: str) -> bool:
    """Return whether the client holds the answer with this tag already, by If-None-Match."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or _TAG.sub(r"\1", etag) in _TAG.findall(given)


def not_modified(etag: str, cache_control: str, vary: str | None = None) -> Response:
    """Return the answer with status 304, which has the headers of the full answer and no body."""
    headers = {"ETag": etag, "Cache-Control": cache_control}
    return Response(status_code=304, headers=headers if vary is None else {**headers, "Vary": vary})
