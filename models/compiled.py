"""Decorators for numba: compile at the first call, cache on disk, run without the interpreter lock."""

from collections.abc import Callable
from typing import Any, cast

import numba


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile with arithmetic as written: bit-identical results on every machine."""
    return cast(F, numba.njit(nogil=True, cache=True, fastmath=False)(function))


def compiled_sums[F: Callable[..., Any]](function: F) -> F:
    """Compile with vectorized sums: terms may be added in another order, multiply and add may fuse, and 1/0 is infinite."""
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})(function))
