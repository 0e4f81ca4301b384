"""Threads for arithmetic that runs without the interpreter lock (compiled loops, transforms): one unless a process asks for more."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

_pool: ThreadPoolExecutor | None = None
_threads = 1


def use_threads(count: int) -> None:
    """How many threads this process computes with from now on; results do not depend on it."""
    global _pool, _threads  # noqa: PLW0603  (a property of the process, as torch.set_num_threads)
    if _pool is not None:
        _pool.shutdown()
    _threads = max(1, count)
    _pool = ThreadPoolExecutor(_threads, thread_name_prefix="arithmetic") if _threads > 1 else None


def threads() -> int:
    """How many."""
    return _threads


def thread_map[One, Found](function: Callable[[One], Found], items: Sequence[One]) -> list[Found]:
    """The function of each item, in their order; an item must not start others of this kind, which could wait for one another."""
    if _pool is None or len(items) < 2:
        return [function(item) for item in items]
    return list(_pool.map(function, items))
