"""
What an operation asks of a transport: requests, downloads, event streams and pauses.

Operations are generators that yield these effects and receive their outcome, so that retries, waiting and parsing are written once;
`Client` performs the effects with blocking calls, `AsyncClient` with awaited ones. A failed transport is raised inside the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Union

from seismic_atlas_client.bundles import Part

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """A request of the API; `path` is below the address of the service. `timeout_s` replaces the client's time for one read."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    timeout_s: float | None = None


@dataclass(frozen=True)
class Answer:
    """An answer: status, headers with lower-case names, and body; the body is empty where it was streamed."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""


@dataclass(frozen=True)
class Send:
    """Send a request; the outcome is the Answer with its body."""

    request: Request


@dataclass(frozen=True)
class Save:
    """Send a request and write the body of a successful answer to a file, which appears only when complete."""

    request: Request
    path: Path


@dataclass(frozen=True)
class Follow:
    """Send a request and give each line of a successful answer to `accept_line`, until that returns true or the answer ends."""

    request: Request
    accept_line: Callable[[str], bool]


@dataclass(frozen=True)
class Sleep:
    """Pause."""

    seconds: float


Effect = Union[Send, Save, Follow, Sleep]  # noqa: UP007 -- evaluated at run time
Flow = Generator[Effect, Any, T]
"""An operation that returns T."""
