"""Coordinates and responses of stations."""

import csv
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.errors import LimitExceeded, UnreadableMetadata
from models.seismic.geodesy import distance_deg
from models.seismic.io import inventory
from models.seismic.io.inventory import (
    Coordinates,
    Inventory,
    attach_metadata,
    builtin_inventory,
    builtin_stations,
    read_stations_csv,
    read_stationxml,
)
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from tests.support import recordings

ID = TraceId("XX", "AAA", "00", "BHZ")
SHARED = Path(__file__).resolve().parents[5] / "shared" / "data" / "stations" / "global_stations.csv"

CHANNEL = """<Channel code="{code}" locationCode="{location}" startDate="{start}" endDate="{end}"><Latitude>{latitude}</Latitude>
<Longitude>20</Longitude><Elevation>5</Elevation><Depth>0</Depth><SampleRate>20</SampleRate>{response}</Channel>"""
RESPONSE = """<Response><InstrumentSensitivity><Value>100</Value><Frequency>1</Frequency><InputUnits><Name>M/S</Name></InputUnits>
</InstrumentSensitivity><Stage number="1"><StageGain><Value>100</Value><Frequency>1</Frequency></StageGain></Stage></Response>"""


def channel(latitude: float, start: str, end: str, location: str = "00", code: str = "BHZ", response: str = "") -> str:
    return CHANNEL.format(latitude=latitude, start=start, end=end, location=location, code=code, response=response)


def posix(year: int) -> float:
    return float(np.datetime64(f"{year}-06-01", "s").astype(float))


def record(trace_id: TraceId = ID, time_s: float = 0.0) -> Record:
    return Record(trace_id, time_s, 1.0, np.array([-150, 150], np.float32), None, None)


def coordinates(station_metadata: Inventory, trace_id: TraceId, time_s: float) -> Coordinates | None:
    epochs = station_metadata.find_coordinate_epochs(trace_id, time_s)
    return epochs[0].coordinates if epochs else None


@pytest.mark.parametrize(
    "text",
    [
        "network,station,latitude,longitude,elevation\nXX,AAA,10.5,-20.25,30\n",
        "\ufeffNetwork, Station, Latitude, Longitude, Elevation_m, Name\r\n XX , AAA , 10.5 , -20.25 , 30 ,a place\r\n",
        "name;sta;net;lat;lon;elev\nx;AAA;XX;10.5;339.75;30\n\n",
        "#Network|Station|Latitude|Longitude|Elevation|SiteName\nXX|AAA|10.5|-20.25|30|somewhere\n",
    ],
)
def test_a_table_of_stations_is_read_with_any_separator_and_column_order(text: str) -> None:
    station_metadata = read_stations_csv(text.encode(), "stations.csv")
    assert coordinates(station_metadata, ID, 0.0) == Coordinates(10.5, -20.25, 30.0)
    assert coordinates(station_metadata, TraceId("XX", "BBB", "", "BHZ"), 0.0) is None
    assert station_metadata.issues == ()


@pytest.mark.parametrize("line", ["XX,BBB,north,20,0", "XX,BBB,91,20,0", "XX,BBB,10,361,0", "XX,,10,20,0", "XX,BBB,nan,20,0", "XX"])
def test_an_invalid_line_is_reported(line: str) -> None:
    station_metadata = read_stations_csv(f"network,station,latitude,longitude\nXX,AAA,1,2\n{line}\n".encode(), "s.csv")
    assert coordinates(station_metadata, ID, 0.0) == Coordinates(1.0, 2.0, None)
    assert [(issue.part, issue.code, "line 3" in issue.detail) for issue in station_metadata.issues] == [("s.csv", "bad-station", True)]


@pytest.mark.parametrize(
    "data", [b"", b"a,b\n1,2\n", b"network,station,latitude,longitude\n", b"\xff\xfe\x00", b'network,station,latitude\n"']
)
def test_other_text_is_not_a_table_of_stations(data: bytes) -> None:
    with pytest.raises(UnreadableMetadata) as caught:
        read_stations_csv(data, "s.csv")
    assert caught.value.part == "s.csv"


def test_a_channel_is_looked_up_by_time_and_location() -> None:
    channels = channel(11, "2000-01-01T00:00:00", "2010-01-01T00:00:00") + channel(12, "2010-01-01T00:00:00Z", "2500-01-01T00:00:00Z")
    station_metadata = read_stationxml(recordings.stationxml("XX", "AAA", 10, 20, channels), "s.xml")
    assert coordinates(station_metadata, ID, posix(2005)) == Coordinates(11.0, 20.0, 5.0)
    assert coordinates(station_metadata, ID, posix(2015)) == Coordinates(12.0, 20.0, 5.0)
    assert coordinates(station_metadata, ID._replace(location="10"), posix(2015)) == Coordinates(10.0, 20.0, 12.0)


def test_a_bare_channel_costs_itself_and_not_its_station() -> None:
    bare, bad = '<Channel code="BHE" locationCode="00"/>', channel(91, "2000-01-01T00:00:00", "2010-01-01T00:00:00", code="BHN")
    xml = recordings.stationxml("XX", "AAA", 10, 20, bare + bad + channel(11, "2000-01-01T00:00:00", "2020-01-01T00:00:00"))
    station_metadata = read_stationxml(xml, "s.xml")
    assert coordinates(station_metadata, ID, posix(2005)) == Coordinates(11.0, 20.0, 5.0)
    assert coordinates(station_metadata, ID._replace(channel="BHE"), posix(2005)) == Coordinates(10.0, 20.0, 12.0)
    assert [(issue.code, "XX.AAA.00.BHN" in issue.detail) for issue in station_metadata.issues] == [("bad-station", True)]


def test_fdsn_text_at_channel_level_states_coordinates_and_azimuth_of_each_channel() -> None:
    text = """#Network|Station|Location|Channel|Latitude|Longitude|Elevation|Depth|Azimuth|Dip|SensorDescription|StartTime|EndTime
XX|AAA|00|BHZ|11.0|20.0|5.0|0.0|0.0|-90.0|STS-2|2000-01-01T00:00:00|2010-01-01T00:00:00
XX|AAA|00|BH1|11.0|20.0|5.0|0.0|33.0|0.0|STS-2|2000-01-01T00:00:00|"""
    station_metadata = read_stations_csv(text.encode(), "fdsn.txt")
    epochs = {epoch.channel: epoch for epoch in station_metadata.epochs["XX", "AAA"]}
    assert (epochs["BHZ"].location, epochs["BHZ"].azimuth_deg, epochs["BH1"].azimuth_deg) == ("00", 0.0, 33.0)
    assert epochs["BHZ"].is_valid(posix(2005))
    assert not epochs["BHZ"].is_valid(posix(2015))
    completed, issues = attach_metadata([record()], [station_metadata])
    assert (completed[0].latitude_deg, issues) == (11.0, [])


def test_a_response_is_given_for_its_channel_and_time_only() -> None:
    xml = recordings.stationxml("XX", "AAA", 10, 20, channel(11, "2000-01-01T00:00:00", "2010-01-01T00:00:00", response=RESPONSE))
    station_metadata = read_stationxml(xml, "s.xml")
    response = station_metadata.response(ID, posix(2005))
    assert response is not None
    np.testing.assert_allclose(response.velocity_response, 100.0)
    assert station_metadata.response(ID, posix(2015)) is None
    assert station_metadata.response(ID._replace(channel="LHZ"), posix(2005)) is None


def test_the_first_inventory_with_a_station_is_used() -> None:
    anmo = TraceId("IU", "ANMO", "00", "BHZ")
    xml = read_stationxml(recordings.stationxml("XX", "AAA", 10, 20), "s.xml")
    table = read_stations_csv(recordings.stations_csv(("XX", "AAA", 1, 2), ("IU", "ANMO", 35.5, -106)), "s.csv")
    completed, issues = attach_metadata(
        [record(), record(anmo), record(TraceId("ZZ", "NONE", "", "BHZ"))], [xml, table, builtin_inventory()]
    )
    assert [(one.latitude_deg, one.longitude_deg) for one in completed] == [(10.0, 20.0), (35.5, -106.0), (None, None)]
    assert [(issue.trace, issue.code) for issue in issues] == [(None, "contradicting-coordinates"), ("ZZ.NONE..BHZ", "no-coordinates")]
    own, _ = attach_metadata([record(anmo)], [xml, builtin_inventory()])
    assert own[0].latitude_deg == pytest.approx(34.946, abs=0.01)


def table(*rows: tuple[str, str, float, float], part: str = "s.csv") -> Inventory:
    return read_stations_csv(recordings.stations_csv(*rows), part)


def test_a_station_with_contradicting_lines_has_no_coordinates_and_one_warning() -> None:
    lines = table(("XX", "AAA", 10, 20), ("XX", "BBB", 1, 2), ("XX", "AAA", -10, 20))
    both = [record(), record(ID._replace(channel="LHZ")), record(ID._replace(station="BBB"))]
    completed, issues = attach_metadata(both, [lines, builtin_inventory()])
    assert [one.latitude_deg for one in completed] == [None, None, 1.0]
    assert [(issue.trace, issue.part, issue.code) for issue in issues] == [(None, "s.csv", "contradicting-coordinates")]
    assert issues[0].detail == (
        "XX.AAA has the coordinates 10.0, 20.0 in line 2 of s.csv and -10.0, 20.0 in line 4 of s.csv, 2,224 km apart; "
        "neither is used, and the station is not used for the location; correct or remove the wrong coordinates"
    )


def test_lines_that_repeat_a_station_within_a_kilometer_are_no_contradiction() -> None:
    completed, issues = attach_metadata([record()], [table(("XX", "AAA", 10, 20), ("XX", "AAA", 10, 20), ("XX", "AAA", 10.005, 20))])
    assert completed[0].latitude_deg == 10.0
    assert issues == []


def test_the_builtin_list_decides_between_contradicting_lines_where_it_agrees_with_one() -> None:
    anmo = TraceId("IU", "ANMO", "00", "BHZ")
    swapped = table(("IU", "ANMO", -34.946, 106.457), ("IU", "ANMO", 34.946, -106.457))
    completed, issues = attach_metadata([record(anmo)], [swapped, builtin_inventory()])
    assert completed[0].latitude_deg == pytest.approx(34.946, abs=0.01)
    assert "those of the built-in station list are used, which agree with a line of the table" in issues[0].detail
    wrong = table(("IU", "ANMO", 1, 2), ("IU", "ANMO", 3, 4))
    completed, issues = attach_metadata([record(anmo)], [wrong, builtin_inventory()])
    assert completed[0].latitude_deg is None
    assert [issue.code for issue in issues] == ["contradicting-coordinates"]


def test_a_second_table_decides_only_if_it_does_not_contradict_itself() -> None:
    first = table(("XX", "AAA", 10, 20), ("XX", "AAA", -10, 20))
    torn = table(("XX", "AAA", -10, 20), ("XX", "AAA", 50, 20), part="torn.csv")
    assert attach_metadata([record()], [first, torn])[0][0].latitude_deg is None
    whole = table(("XX", "AAA", -10.001, 20), part="whole.csv")
    completed, issues = attach_metadata([record()], [first, torn, whole])
    assert completed[0].latitude_deg == -10.001
    assert "those of whole.csv" not in issues[0].detail
    assert "those of line 2 of whole.csv are used" in issues[0].detail


def test_stationxml_counts_where_a_table_contradicts_it() -> None:
    xml = read_stationxml(recordings.stationxml("XX", "AAA", 10, 20), "s.xml")
    completed, issues = attach_metadata([record()], [xml, table(("XX", "AAA", 20, 10))])
    assert (completed[0].latitude_deg, completed[0].longitude_deg) == (10.0, 20.0)
    assert [(issue.part, issue.code) for issue in issues] == [("s.csv", "contradicting-coordinates")]
    assert "10.0, 20.0 in s.xml and 20.0, 10.0 in line 2 of s.csv, 1,5" in issues[0].detail
    assert "those of s.xml are used" in issues[0].detail
    assert attach_metadata([record()], [xml, table(("XX", "AAA", 10, 20.005))])[1] == []


def test_a_station_may_have_moved_within_its_town_since_the_builtin_list() -> None:
    anmo, moved = TraceId("IU", "ANMO", "00", "BHZ"), table(("IU", "ANMO", 35.6, -106.457))
    completed, issues = attach_metadata([record(anmo)], [moved, builtin_inventory()])
    assert completed[0].latitude_deg == 35.6
    assert issues == []


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(34.946, 106.457), (-34.946, -106.457), (39.946, -106.457), (0, 0)],
    ids=["sign of longitude", "sign of latitude", "five degrees", "zero"],
)
def test_a_station_far_from_its_place_in_the_builtin_list_is_reported_and_not_moved(latitude, longitude) -> None:
    """Signs lost at all stations mirror the whole network, and no distance or arrival time contradicts the mirrored epicenter."""
    wrong = table(("IU", "ANMO", latitude, longitude))
    completed, issues = attach_metadata([record(TraceId("IU", "ANMO", "00", "BHZ"))], [wrong, builtin_inventory()])
    assert (completed[0].latitude_deg, completed[0].longitude_deg) == (latitude, longitude)
    assert [(issue.part, issue.code) for issue in issues] == [("s.csv", "contradicting-coordinates")]
    assert "in line 2 of s.csv and 34.9459, -106.4572 in the built-in station list, " in issues[0].detail
    assert "those of line 2 of s.csv are used" in issues[0].detail


def test_dated_lines_of_a_station_that_has_moved_are_no_contradiction() -> None:
    header = "#Network|Station|Latitude|Longitude|Elevation|SiteName|StartTime|EndTime"
    lines = "XX|AAA|10|20|0|old|2000-01-01T00:00:00|2010-01-01T00:00:00\nXX|AAA|12|20|0|new|2010-01-01T00:00:01|"
    moved = read_stations_csv(f"{header}\n{lines}\n".encode(), "s.txt")
    completed, issues = attach_metadata([record(time_s=posix(2005)), record(time_s=posix(2015))], [moved])
    assert [one.latitude_deg for one in completed] == [10.0, 12.0]
    assert issues == []
    unreadable = read_stations_csv(f"{header}\n{lines.replace('2010-01-01T00:00:00', 'later')}\n".encode(), "s.txt")
    assert [issue.code for issue in attach_metadata([record(time_s=posix(2015))], [unreadable])[1]] == ["contradicting-coordinates"]


def test_a_response_that_cannot_be_evaluated_is_reported() -> None:
    listed = RESPONSE.replace("</Response>", "<Stage number='2'><ResponseList/></Stage></Response>")
    both = channel(11, "2000-01-01", "2500-01-01", response=listed) + channel(11, "2000-01-01", "2500-01-01", "10", response=RESPONSE)
    station_metadata = read_stationxml(recordings.stationxml("XX", "AAA", 10, 20, both), "s.xml")
    completed, issues = attach_metadata([record(ID, posix(2005)), record(ID._replace(location="10"), posix(2005))], [station_metadata])
    assert [one.response is not None for one in completed] == [False, True]
    assert [(issue.trace, issue.code) for issue in issues] == [(str(ID), "no-response")]


@pytest.mark.parametrize(
    ("trace", "year", "expected"),
    [
        ("XX.AAA.00.BHZ", 2005, None),
        ("XX.AAA.00.BHZ", 2015, "not valid at the time"),
        ("XX.AAA.10.BHZ", 2005, "other channels of its station"),
    ],
)
def test_a_response_for_another_time_or_channel_is_reported(trace: str, year: int, expected: str | None) -> None:
    known = read_stationxml(
        recordings.stationxml("XX", "AAA", 10, 20, channel(11, "2000-01-01", "2010-01-01", "00", response=RESPONSE)), "s.xml"
    )
    (completed,), issues = attach_metadata([record(TraceId.parse(trace), posix(year))], [known])
    assert (completed.response is None) == (expected is not None)
    assert [issue.code for issue in issues] == ([] if expected is None else ["no-response"])
    assert all(str(expected) in issue.detail for issue in issues)


def test_a_response_that_was_removed_before_is_not_removed_again() -> None:
    station_metadata = read_stationxml(
        recordings.stationxml("XX", "AAA", 10, 20, channel(11, "2000-01-01", "2500-01-01", response=RESPONSE)), "s.xml"
    )
    counts = record(ID, posix(2005))
    meters = replace(counts, samples=np.array([-3e-6, np.nan, 3e-6], np.float32))
    completed, issues = attach_metadata([counts, meters], [station_metadata])
    assert [one.response is not None for one in completed] == [True, False]
    assert [issue.code for issue in issues] == ["ground-motion"]


def test_a_station_without_valid_coordinates_is_reported() -> None:
    good = recordings.stationxml("XX", "AAA", 10, 20).decode()
    broken = good.replace("</Station>", "</Station><Station code='BAD'><Latitude>far</Latitude><Longitude>1</Longitude></Station>")
    station_metadata = read_stationxml(broken.encode(), "s.xml")
    assert [(issue.code, "XX.BAD" in issue.detail) for issue in station_metadata.issues] == [("bad-station", True)]


def test_entities_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("42")
    xml = recordings.stationxml("XX", "AAA", 10, 20).decode().split("?>", 1)[1]
    for entity in (f'<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">', '<!ENTITY x "42">'):
        attack = f"<!DOCTYPE d [{entity}]>" + xml.replace("<Latitude>10<", "<Latitude>&x;<")
        with pytest.raises(UnreadableMetadata, match="document type"):
            read_stationxml(attack.encode(), "s.xml")


def test_a_billion_laughs_cost_no_memory() -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    attack = f'<!DOCTYPE d [<!ENTITY a0 "ha">{entities}]><FDSNStationXML>&a11;</FDSNStationXML>'.encode()
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableMetadata):
            read_stationxml(attack, "s.xml")
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("data", [b"", b"<a", b"<FDSNStationXML/>", b"<html></html>", b"\xff\xfe<\x00", b"<a>" * 10_000])
def test_what_is_no_stationxml_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableMetadata):
        read_stationxml(data, "s.xml")


def test_a_document_too_large_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="at most 100 are read"):
        read_stationxml(recordings.stationxml("XX", "AAA", 10, 20), "s.xml", 100)
    with pytest.raises(LimitExceeded, match="at most 100 are read"):
        read_stations_csv(recordings.stations_csv(*[("XX", "AAA", 1.0, 2.0)] * 10), "s.csv", 100)


def test_the_own_table_names_each_station_once_on_the_globe() -> None:
    table = builtin_stations()
    assert len(table) >= 150
    assert all(-90 <= place.latitude_deg <= 90 and -180 <= place.longitude_deg <= 180 for place in table.values())
    lines = Path(inventory.__file__).with_name("builtin_stations.csv").read_text().splitlines()
    assert len(lines) == len(table) + 1


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="../shared is absent")
def test_the_own_table_agrees_with_a_public_list() -> None:
    """A station that has moved is listed more than once there; the nearest place counts."""
    listed: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with SHARED.open(newline="") as file:
        for row in csv.DictReader(file):
            listed.setdefault((row["network"], row["station"]), []).append((float(row["latitude"]), float(row["longitude"])))
    known = {key: place for key, place in builtin_stations().items() if key in listed}
    assert len(known) >= 150
    for key, place in known.items():
        away = min(float(distance_deg(place.latitude_deg, place.longitude_deg, *other)) for other in listed[key])
        assert away < 0.1, key
