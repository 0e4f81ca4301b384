"""Catalogs of real events in csv, ndk and QuakeML."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import obspy
import pytest

from training.fdsn.event_lists import EventQuery, ListedEvent, read_event_list

NDK = Path(obspy.__file__).parent / "io" / "ndk" / "tests" / "data" / "C200604092050A.ndk"
CATALOGS = Path(__file__).resolve().parents[4] / "shared" / "data" / "catalogs"
GCMT_HEAD = "event_name,origin_time,latitude,longitude,depth_km,mw,mrr,mtt,mpp,mrt,mrp,mtp\n"
GLACIAL = """event_name,centroid_time,centroid_latitude,centroid_longitude,amplitude_1e14_kg_m,force_azimuth_deg,magnitude_msw
E1,1993-01-24T10:21:07.950000Z,68.63,-32.94,1.97,336,5.1
"""
ALL = EventQuery(start=datetime(1900, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))


def write_file(folder: Path, text: str) -> Path:
    path = folder / "events.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("as_folder", [False, True])
def test_ndk_files_and_folders_of_them_are_read(tmp_path, as_folder):
    shutil.copy(NDK, tmp_path)
    (event,) = read_event_list(tmp_path if as_folder else tmp_path / NDK.name)
    assert (event.name, event.kind) == ("C200604092050A", "earthquake")
    assert event.truth["mrr_n_m"] == pytest.approx(4.18e17)
    assert event.time_s == pytest.approx(datetime(2006, 4, 9, 20, 50, 46, tzinfo=UTC).timestamp(), abs=10)


def test_tensors_are_converted_from_dyne_cm_to_newton_meters(tmp_path):
    row = "M1,1976-01-01T01:29:39.6Z,-28.61,-177.64,59.0,7.25,7.68e26,9e24,-7.77e26,1.39e26,4.52e26,-3.26e26\n"
    (event,) = read_event_list(write_file(tmp_path, GCMT_HEAD + row))
    assert (event.kind, event.magnitude, event.depth_km) == ("earthquake", 7.25, 59.0)
    assert event.truth["mrr_n_m"] == pytest.approx(7.68e19)
    assert event.truth["mtp_n_m"] == pytest.approx(-3.26e19)


def test_a_force_azimuth_makes_an_event_glacial(tmp_path):
    (event,) = read_event_list(write_file(tmp_path, GLACIAL))
    assert (event.kind, event.depth_km, event.magnitude) == ("glacial", 0.0, 5.1)
    assert event.truth["force_azimuth_deg"] == 336
    assert event.truth["amplitude_kg_m"] == pytest.approx(1.97e14)


def test_a_query_takes_the_earliest_events_that_are_large_enough():
    events = [ListedEvent(str(time), "earthquake", time, 0, 0, 0, size) for time, size in ((30, 6.0), (10, 4.0), (20, None), (40, 7.0))]
    query = EventQuery(start=datetime(1970, 1, 1), end=datetime(1970, 1, 2), min_magnitude=5.0, most=2)
    assert [event.name for event in query.choose(iter(events))] == ["20", "30"]


@pytest.mark.shared
@pytest.mark.skipif(not CATALOGS.exists(), reason="../shared is absent")
def test_the_real_catalogs_are_read():
    sizes = [len(ALL.choose(read_event_list(path))) for path in sorted(CATALOGS.glob("*.csv"))]
    assert sizes == [25815, 443, 52577]
