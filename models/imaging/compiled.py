"""The one way in which this room compiles its loops."""

from collections.abc import Callable
from typing import Any, cast

import numba


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Machine code at the first call, kept on disk, run without the interpreter lock, arithmetic as written (no fastmath)."""
    return cast(F, numba.njit(nogil=True, cache=True, fastmath=False)(function))
