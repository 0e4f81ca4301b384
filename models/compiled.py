"""How loops are compiled: at the first call, kept on disk, run without the interpreter lock."""

from collections.abc import Callable
from typing import Any, cast

import numba


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Machine code with arithmetic as written: the same bits on every machine."""
    return cast(F, numba.njit(nogil=True, cache=True, fastmath=False)(function))


def compiled_sums[F: Callable[..., Any]](function: F) -> F:
    """Machine code in which sums may be taken in another order, products fuse with sums, and 1/0 is inf, or nothing would vectorize."""
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})(function))
