"""Work is mapped in order, and no process is started for what this one can do."""

import os

from training.processes import map_in_processes


def test_one_process_or_one_item_is_worked_on_here():
    """A lambda could not be sent to another process."""
    for items, processes in (([1, 2], 1), ([3], 4), ([], 4)):
        found = list(map_in_processes(lambda item: (item, os.getpid()), items, processes, "numbers", "number"))
        assert found == [(item, os.getpid()) for item in items]


def test_results_of_several_processes_come_in_order():
    """`os.readlink` of the own process tells which process it was."""
    found = list(map_in_processes(os.readlink, ["/proc/self", "/dev/fd"], 2, "links", "link"))
    assert int(found[0]) != os.getpid()
    assert found[1] == os.readlink("/dev/fd")
