"""Results do not depend on the number of threads."""

import threading

import numpy as np
import pytest

from models.analysis.distances import station_distances
from models.analysis.refinement import refine_location
from models.imaging.conditioning import condition
from models.parallel import thread_map, threads, use_threads
from models.seismic.location.distances import locate_by_distances
from models.specs.pictures import CONDITIONING
from tests.support.local_events import local_event


@pytest.fixture
def on_threads():
    """Return a function that sets the number of threads; it is reset afterwards."""
    before = threads()
    yield use_threads
    use_threads(before)


def test_results_keep_the_order_of_items_and_errors_propagate(on_threads):
    on_threads(3)
    seen = set()

    def double(number):
        seen.add(threading.current_thread().name)
        return 2 * number

    assert thread_map(double, range(50)) == [2 * number for number in range(50)]
    assert all(name.startswith("arithmetic") for name in seen)
    with pytest.raises(ZeroDivisionError):
        thread_map(lambda number: 1 // number, [1, 0])


def test_conditioning_and_refinement_do_not_depend_on_the_number_of_threads(on_threads):
    found = []
    for count in (1, 2):
        on_threads(count)
        records, _, readings = local_event(10)
        gather = condition(records, CONDITIONING)
        before = locate_by_distances(station_distances(gather, readings))
        found.append((gather.samples, refine_location(records, gather, readings, before)))
    (samples, one), (again, two) = found
    np.testing.assert_array_equal(samples, again)
    assert one.arrival_solution is not None
    assert (one.location.latitude_deg, one.location.longitude_deg) == (two.location.latitude_deg, two.location.longitude_deg)
    assert one.arrival_solution.regions == two.arrival_solution.regions
    assert one.arrival_solution.arrivals == two.arrival_solution.arrivals
