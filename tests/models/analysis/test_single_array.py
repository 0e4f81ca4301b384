"""When a single array's times are told beside what is known without them."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.single_array import HALF, is_far, is_one_array, mix_hypotheses
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.geodesy import destination
from models.seismic.location.regions import EpicenterRegion
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

HERE, THERE, ELSEWHERE = (
    EpicenterRegion(latitude, 20.0, 100.0, 50.0, 0.0, 80.0, probability)
    for latitude, probability in ((0.0, 0.7), (40.0, 0.3), (-30.0, 0.9))
)
TIMED = ArrivalTimeSolution((HERE, THERE), 10.0, 5.0, 0.0, 1.0, 20.0, ())


def gather(reach_deg, spread_deg, count=12):
    """Stations around a point so far from the first region."""
    rng = np.random.default_rng(1)
    middle = destination(HERE.latitude_deg, HERE.longitude_deg, 60.0, reach_deg)
    latitudes, longitudes = destination(*middle, rng.uniform(0.0, 360.0, count), rng.uniform(0.1, spread_deg, count))
    names = tuple(TraceId("XX", f"S{number}", "", "BHZ") for number in range(count))
    return Gather(names, 0.0, 1.0, np.ones((count, 10), np.float32), latitudes, longitudes)


@pytest.mark.parametrize(
    ("reach_deg", "spread_deg", "one", "far"), [(1.0, 2.0, True, False), (60.0, 2.0, True, True), (60.0, 50.0, False, True)]
)
def test_an_array_is_close_together_and_its_source_near_or_far(reach_deg, spread_deg, one, far):
    stations = gather(reach_deg, spread_deg)
    assert is_one_array(stations) is one
    assert is_far(stations, TIMED) is far


def test_two_accounts_are_half_as_likely_each_and_lose_nothing():
    both = mix_hypotheses(TIMED, [ELSEWHERE], by_fronts=False)
    assert both == [replace(place, probability=HALF * place.probability) for place in (HERE, THERE, ELSEWHERE)]
    likeliest, *_ = mix_hypotheses(TIMED, [ELSEWHERE], by_fronts=True)
    assert likeliest.latitude_deg == ELSEWHERE.latitude_deg
