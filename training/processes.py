"""Work that several processes of this machine share."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tqdm import tqdm

from training.config import SPAWN


def map_in_processes[Item, Result](
    work: Callable[[Item], Result], items: Sequence[Item], processes: int, label: str, unit: str
) -> Iterator[Result]:
    """
    Yield the result of each item, in order: from parallel processes, or from this one where one is enough.

    Parameters
    ----------
    work : callable
        Computes the result of an item. Must be picklable: a module-level function, or functools.partial of one.
    items : sequence
        The items.
    processes : int
        Maximum number of processes. A new one takes seconds to import what it needs.
    label, unit : str
        What the progress bar counts.

    """
    show_progress = partial(tqdm, desc=label, unit=unit, total=len(items), mininterval=1.0, disable=not items)
    if min(processes, len(items)) < 2:
        yield from show_progress(map(work, items))
        return
    with ProcessPoolExecutor(processes, SPAWN) as pool:
        yield from show_progress(pool.map(work, items))
