"""What both clients need of httpx: the address and headers of the service, the arguments of a request, and files that appear whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

from seismic_atlas_client.effects import Answer, Request
from seismic_atlas_client.errors import InvalidAddress
from seismic_atlas_client.version import VERSION

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_TIMEOUT_S = 10.0


def choose_address(url: str | None) -> str:
    """Return the address of the service: the given one, else the variable ATLAS_URL, else port 8000 of this machine."""
    address = url or os.environ.get("ATLAS_URL") or DEFAULT_URL
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise InvalidAddress(f"{address!r} is not a URL ({error})") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidAddress(f"{address!r} is not the address of a service; an example is {DEFAULT_URL}")
    return address.rstrip("/")


def make_headers(api_key: str | None) -> dict[str, str]:
    """Return the headers of every request: the API key, given or from the variable ATLAS_API_KEY, and the name of the client."""
    key = api_key or os.environ.get("ATLAS_API_KEY")
    return {"User-Agent": f"seismic-atlas-client/{VERSION}", "Accept": "*/*", **({"X-API-Key": key} if key else {})}


def make_arguments(request: Request, default_timeout_s: float) -> dict[str, Any]:
    """Return the arguments of httpx for a request; its files are opened anew for each attempt."""
    files = [("bundle", (part.name, part.open(), "application/octet-stream")) for part in request.parts]
    timeout_s = default_timeout_s if request.timeout_s is None else request.timeout_s
    return {
        "method": request.method,
        "url": request.path,
        "params": dict(request.params),
        "headers": dict(request.headers),
        "data": dict(request.fields) or None,
        "files": files or None,
        "timeout": httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
    }


def make_answer(response: httpx.Response, content: bytes = b"") -> Answer:
    """Return a response of httpx as an Answer."""
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, content)


@contextmanager
def write_whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its name only when it is complete; nothing is left of it after an error."""
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
