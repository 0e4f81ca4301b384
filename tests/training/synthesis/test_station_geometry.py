"""Stations of an event: operating on its day, in its range of distances."""

from datetime import UTC, datetime

import numpy as np
import pytest

from training.synthesis.catalogs import StationCatalog, load_stations
from training.synthesis.station_geometry import find_operating_stations, pick_stations, select_stations_on_day

DAY_S = 86_400.0
NOON = datetime(2005, 6, 15, 12, tzinfo=UTC).timestamp()
CSV = """network,station,latitude,longitude,elevation_m,start,end,channels,group
XX,THERE,10.0,20.0,0.0,2005-06-15,2005-06-15,BHZ,gsn
XX,GONE,11.0,20.0,0.0,2001-01-01,2005-06-14,BHZ,gsn
XX,COMING,12.0,20.0,0.0,2005-06-16,2030-01-01,BHZ,regional
XX,OPEN,13.0,20.0,0.0,2001-01-01,,BHZ,regional
XX,CAMP,14.0,20.0,0.0,2001-01-01,2030-01-01,BHZ,temporary
"""


@pytest.fixture
def listed(tmp_path) -> StationCatalog:
    (tmp_path / "stations").mkdir()
    (tmp_path / "stations" / "global_stations.csv").write_text(CSV)
    return load_stations(tmp_path)


def test_a_station_operates_from_its_first_through_its_last_day(listed):
    assert [listed.stations[row] for row in find_operating_stations(listed, NOON)] == ["THERE", "OPEN"]
    assert [listed.stations[row] for row in find_operating_stations(listed, NOON - DAY_S)] == ["GONE", "OPEN"]
    assert [listed.stations[row] for row in find_operating_stations(listed, NOON + DAY_S)] == ["COMING", "OPEN"]


def test_stations_of_a_known_day_do_not_depend_on_a_random_day(listed):
    that_day = select_stations_on_day(listed, NOON)
    assert that_day.stations == ("THERE", "OPEN")
    assert len(find_operating_stations(that_day, NOON + 400 * DAY_S)) == 2
    for seed in range(20):
        assert sorted(pick_stations(that_day, (0.0, 20.0), 2005, 5, (3.0, 100.0), np.random.default_rng(seed))) == [0, 1]


def test_where_only_the_year_is_known_a_day_of_it_is_drawn(listed):
    picked = {
        tuple(listed.stations[row] for row in pick_stations(listed, (0.0, 20.0), 2005, 5, (3.0, 100.0), np.random.default_rng(k)))
        for k in range(40)
    }
    assert picked == {("GONE", "OPEN"), ("COMING", "OPEN")}, "one day in 365 has THERE instead"


def test_no_station_is_outside_the_range(listed):
    assert len(pick_stations(listed, (0.0, 20.0), 2005, 5, (40.0, 100.0), np.random.default_rng(0))) == 0
