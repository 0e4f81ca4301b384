"""Bundles from FDSN services: events by id, the choice of stations, downloads from a server on loopback."""

import io
import json
import math
import zipfile
from pathlib import Path

import obspy
import pytest

from seismic_atlas_client import FetchFailed
from seismic_atlas_client.__main__ import main
from seismic_atlas_client.command_line.exit_codes import ExitCode
from seismic_atlas_client.fdsn.download import FetchPlan, fetch_event, fetch_window
from seismic_atlas_client.fdsn.events import choose_event_service, find_event
from seismic_atlas_client.fdsn.stations import (
    Candidate,
    choose_channel,
    choose_max_distance,
    choose_stations,
    find_largest_gap,
    measure_path,
)
from tests.support.fdsn_server import EVENT_ID, serve_fdsn, write_bundle_folder

BUNDLES = Path(__file__).resolve().parents[2] / "app" / "demo_bundles"
TRUTH = json.loads((BUNDLES / "truth.json").read_text())["earthquake"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    write_bundle_folder(BUNDLES / "earthquake.zip", folder, TRUTH)
    return folder


@pytest.fixture(scope="module")
def center(served):
    with serve_fdsn(served) as address:
        yield address


def station(azimuth, distance=50.0, network="XX", code=""):
    return Candidate(network, code or f"S{azimuth:.0f}D{distance:.0f}", 0.0, 0.0, "BH", "", "X", distance, azimuth)


def read_bundle(path):
    with zipfile.ZipFile(path) as archive:
        waveforms = obspy.read(io.BytesIO(archive.read("waveforms.mseed")), format="MSEED")  # noqa: TID251 -- of the test's server
        return waveforms, obspy.read_inventory(io.BytesIO(archive.read("stations_1.xml")), format="STATIONXML")


def test_an_event_is_found_by_its_id(center):
    event = find_event(EVENT_ID, center)
    assert (event.latitude, event.longitude, event.depth_km, event.magnitude) == (38.0, 142.5, 24.0, 6.5)
    assert event.time == obspy.UTCDateTime(TRUTH["origin_time"])


@pytest.mark.parametrize(
    ("event_id", "service"), [("us7000abcd", "USGS"), ("ci40171730", "USGS"), ("20240101_0000123", "EMSC"), ("607208674", "ISC")]
)
def test_the_form_of_an_id_tells_the_service(event_id, service):
    assert choose_event_service(event_id) == service


def test_an_event_that_does_not_exist_is_named_with_its_service(center):
    with pytest.raises(FetchFailed, match=rf"{center} has no event 'us1'; check the id"):
        find_event("us1", center)


def test_a_bundle_has_waveforms_and_metadata_of_stations_on_all_sides(center, tmp_path):
    event = find_event(EVENT_ID, center)
    fetched = fetch_event(event, FetchPlan((center,), count=8), tmp_path / "event.zip")
    waveforms, inventory = read_bundle(fetched.path)
    assert len(fetched.stations) == 8
    assert {trace.stats.station for trace in waveforms} == {one.station for one in fetched.stations}
    assert {code.split()[0].split(".")[1] for code in inventory.get_contents()["stations"]} == {one.station for one in fetched.stations}
    assert waveforms[0].stats.starttime >= event.time - 300.0
    assert fetched.azimuthal_gap_deg < 90.0, "of 22 stations with gaps up to 38 degrees"


def test_a_station_without_data_is_replaced(served, center, tmp_path):
    """The nearest station, which is chosen first, has metadata and no waveforms."""
    event = find_event(EVENT_ID, center)
    whole = served / "waveforms.mseed"
    kept = whole.read_bytes()
    stream = obspy.read(io.BytesIO(kept), format="MSEED")  # noqa: TID251 -- of this repository
    try:
        obspy.Stream([trace for trace in stream if trace.stats.station != "BJT"]).write(str(whole), format="MSEED")
        fetched = fetch_event(event, FetchPlan((center,), count=5), tmp_path / "event.zip")
    finally:
        whole.write_bytes(kept)
    assert len(fetched.stations) == 5
    assert "BJT" not in {one.station for one in fetched.stations}


def test_a_data_center_that_fails_is_left_out_and_named(center, tmp_path):
    plan = FetchPlan(("http://127.0.0.1:9", center), count=3)
    fetched = fetch_event(find_event(EVENT_ID, center), plan, tmp_path / "event.zip")
    assert len(fetched.stations) == 3
    assert "127.0.0.1:9" in fetched.failures[0]


def test_a_window_has_the_listed_stations(center, tmp_path):
    start = obspy.UTCDateTime(TRUTH["origin_time"])
    fetched = fetch_window(start, start + 1000, FetchPlan((center,), ("IU.K*", "G.CAN")), tmp_path / "window.zip")
    assert {one.code for one in fetched.stations} == {"IU.KNTN", "IU.KEV", "G.CAN"}
    waveforms, _ = read_bundle(fetched.path)
    assert all(trace.stats.endtime <= start + 1000 for trace in waveforms)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_distance_deg": 5.0}, "no station was found: no station has channels"),
        ({"bands": ("EH",)}, "EHZ"),
        ({"data_centers": ("http://127.0.0.1:9",)}, "127.0.0.1:9"),
        ({"before_s": 1e7, "after_s": -0.9e7}, "no waveforms were found: 22 stations"),
    ],
)
def test_nothing_found_says_why(center, tmp_path, changes, message):
    with pytest.raises(FetchFailed, match=message):
        fetch_event(find_event(EVENT_ID, center), FetchPlan(**{"data_centers": (center,), **changes}), tmp_path / "event.zip")
    assert not (tmp_path / "event.zip").exists()


def test_stations_are_chosen_on_all_sides_and_not_in_clusters():
    cluster = [station(10.0 + 0.1 * i, 50.0, code=f"C{i}") for i in range(50)]
    ring = [station(azimuth, 52.0) for azimuth in range(30, 360, 30)]
    chosen = choose_stations([*cluster, *ring], 12)
    assert sum(one.station.startswith("C") for one in chosen) == 1
    assert find_largest_gap(chosen) <= 45.0
    assert choose_stations([*cluster, *ring], 12) == chosen, "the same choice each time"


def test_the_nearest_station_is_first_and_distances_are_spread():
    line = [station(0.0, distance) for distance in range(10, 91, 10)]
    chosen = choose_stations(line, 3)
    assert [one.distance_deg for one in chosen] == [10.0, 90.0, 50.0]


def test_of_equal_stations_that_of_a_global_network_is_chosen():
    chosen = choose_stations([station(0.0, 40.0, code="A"), station(180.0, code="ZZZ"), station(180.0, network="IU", code="B")], 2)
    assert [one.code for one in chosen] == ["XX.A", "IU.B"]


def test_new_stations_are_chosen_beside_those_that_are_kept():
    (chosen,) = choose_stations([station(0.0), station(175.0)], 1, kept=[station(5.0), station(90.0)])
    assert chosen.azimuth_deg == 175.0
    assert choose_stations([], 3) == []


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([("00", "BHZ"), ("10", "BHZ"), ("00", "LHZ")], ("BH", "00")),
        ([("10", "LHZ"), ("00", "LHZ")], ("LH", "00")),
        ([("", "HHZ"), ("00", "LHZ")], ("HH", "")),
        ([("00", "EHZ")], None),
    ],
)
def test_a_channel_is_chosen_by_band_and_then_by_location(channels, expected):
    assert choose_channel(channels, ("BH", "HH", "LH")) == expected


@pytest.mark.parametrize(("magnitude", "distance_deg"), [(None, 95.0), (3.0, 10.0), (4.5, 30.0), (5.2, 60.0), (7.5, 95.0)])
def test_smaller_events_are_looked_for_at_shorter_distances(magnitude, distance_deg):
    assert choose_max_distance(magnitude) == distance_deg


@pytest.mark.parametrize(
    ("path", "expected"), [((0, 0, 0, 90), (90, 90)), ((0, 0, 90, 0), (90, 0)), ((10, 20, 10, 20), (0, 0)), ((0, 170, 0, -170), (20, 90))]
)
def test_distance_and_azimuth_on_the_sphere(path, expected):
    distance_deg, azimuth_deg = measure_path(*path)
    assert distance_deg == pytest.approx(expected[0], abs=1e-9)
    assert distance_deg == 0 or math.isclose(azimuth_deg, expected[1], abs_tol=1e-9)


def test_the_largest_gap_is_that_of_the_circle():
    assert find_largest_gap([station(350.0), station(10.0), station(100.0)]) == 250.0
    assert find_largest_gap([station(3.0)]) == 360.0


def test_the_command_fetches_and_locates_in_one_go(service, center, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ATLAS_URL", service.url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    where = ["--event-service", center, "--data-center", center]
    assert main(["locate", "--event", EVENT_ID, *where, "--keep", "kept.zip", "--quakeml", "event.xml"]) == 0
    out, err = capsys.readouterr()
    assert f"{EVENT_ID}: 2001-09-09T01:46:40.000000Z, 38.00° N, 142.50° E, depth 24 km, magnitude 6.5" in err
    assert "kept.zip: 22 stations, 20 to 74° away" in err
    assert "the location is 28 km off, -4.0 s" in out
    assert obspy.read_events("event.xml", format="QUAKEML")[0].preferred_origin().latitude == 38.2
    assert (tmp_path / "kept.zip").exists()


@pytest.mark.parametrize(
    "what",
    [
        [EVENT_ID],
        ["--time", "2001-09-09T01:46:40", "--latitude", "38", "--longitude", "142.5", "--max-distance", "40"],
        ["--start", "2001-09-09T01:46:40", "--end", "2001-09-09T02:00:00", "--stations", "IU.*"],
    ],
    ids=["id", "place", "window"],
)
def test_the_command_writes_a_bundle(center, tmp_path, what):
    where = ["--event-service", center, "--data-center", center, "--output", str(tmp_path / "a" / "out.zip")]
    assert main(["fetch", *what, *where]) == 0
    assert len(read_bundle(tmp_path / "a" / "out.zip")[0]) >= 5


def test_the_command_says_that_there_is_no_such_event(center, capsys):
    assert main(["fetch", "us1", "--event-service", center]) == ExitCode.NO_DATA
    assert capsys.readouterr().err.startswith(f"atlas: {center} has no event 'us1'")
