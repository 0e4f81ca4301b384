"""Threads for arithmetic that runs without the interpreter lock (compiled loops, Fourier transforms); one thread by default."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

_pool: ThreadPoolExecutor | None = None
_threads = 1


def use_threads(count: int) -> None:
    """Set the number of threads of this process's arithmetic; results do not depend on it."""
    global _pool, _threads  # noqa: PLW0603  (a property of the process, as torch.set_num_threads)
    if _pool is not None:
        _pool.shutdown()
    _threads = max(1, count)
    _pool = ThreadPoolExecutor(_threads, thread_name_prefix="arithmetic") if _threads > 1 else None


def threads() -> int:
    """Return the number of threads set by `use_threads`."""
    return _threads


def thread_map[One, Found](function: Callable[[One], Found], items: Sequence[One]) -> list[Found]:
    """Apply a function to each item on the threads, in order; the function must not call `thread_map` itself, which could deadlock."""
    if _pool is None or len(items) < 2:
        return [function(item) for item in items]
    return list(_pool.map(function, items))
