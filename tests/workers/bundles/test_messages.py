"""What is said about unusable input: the file or trace at fault, what was found, and what to do."""

import numpy as np
import pytest

from models.errors import AtlasError, TooFewEvents
from tests.support import recordings
from workers.bundles.formats import describe_unsupported
from workers.bundles.parse import EventRecords, parse_bundle
from workers.bundles.sandbox import read_limits
from workers.contracts import DataWarning
from workers.jobs.cluster import check_event_count
from workers.settings import Settings

Z = "XX.AAA.00.BHZ"
WAVES = recordings.miniseed((Z, 0, 1.0, recordings.wave()), ("XX.BBB.00.BHZ", 0, 1.0, recordings.wave()))
FLAT = np.full(600, 7, np.int32)
CENTURY_S = 3_200_000_000


@pytest.fixture
def parse(tmp_path):
    """Named files to the one event of a bundle."""

    def run(files: dict[str, bytes]) -> EventRecords:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        (event,) = parse_bundle([(name, tmp_path / name) for name in files], read_limits(Settings()), False, lambda _: None)
        return event

    return run


REFUSED = {
    "an empty archive": ({"e.zip": recordings.zipped()}, ("no waveforms", "add miniSEED")),
    "metadata alone": ({"s.csv": recordings.stations_csv(("XX", "AAA", 1, 2))}, ("only s.csv", "add miniSEED")),
    "an archive in an archive": ({"e.zip": recordings.zipped(i_dot_zip=recordings.zipped(a=WAVES))}, ("e.zip/i.zip", "pack its files")),
    "half an archive": ({"e.zip": recordings.zipped(a=WAVES)[:500]}, ("e.zip is damaged", "upload it again")),
    "notes called miniSEED": ({"n.mseed": b"my notes on the event\n" * 30}, ("n.mseed", "it is text: 'my notes", "export it again")),
    "an empty file": ({"n.mseed": b""}, ("n.mseed", "it is empty")),
    "a web page": ({"w.mseed": b"<!DOCTYPE html><html>503</html>"}, ("w.mseed is a web page", "data center")),
    "constant records": ({"w.mseed": recordings.miniseed((Z, 0, 1.0, FLAT))}, ("constant at 7", Z, "that were working")),
    "a sampling rate": (
        {"w.mseed": recordings.miniseed((Z, 0, 5000.0, recordings.wave()))},
        ("5000 Hz, not 0.05 to 1000 Hz", Z, "decimate"),
    ),
    "a wrong clock": ({"w.mseed": recordings.miniseed((Z, CENTURY_S, 1.0, recordings.wave()))}, ("after 2100", Z, "correct the clock")),
    "no vertical": ({"w.mseed": recordings.miniseed(("XX.AAA.00.BHN", 0, 1.0, recordings.wave()))}, ("XX.AAA", "w.mseed", "end in Z")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_names_what_is_at_fault_and_says_what_to_do(parse, case):
    files, expected = REFUSED[case]
    with pytest.raises(AtlasError) as error:
        parse(files)
    assert [text for text in expected if text not in error.value.detail] == [], error.value.detail


def test_too_few_events_name_those_that_were_left_out():
    details = [
        ("a.mseed", None, "unreadable-waveform", "a.mseed holds no readable miniSEED record"),
        ("c", Z, "clipped", "clipped at 8388607; used as it is"),
        ("b", None, "no-usable-trace", "event left out"),
    ]
    warnings = [DataWarning(trace=trace, part=part, code=code, detail=detail) for part, trace, code, detail in details]
    with pytest.raises(TooFewEvents) as error:
        check_event_count(1, 2, warnings)
    assert error.value.detail.endswith("is one event); a.mseed holds no readable miniSEED record; b: event left out")


def test_a_finding_that_many_traces_share_is_listed_once(parse):
    stations = [f"XX.S{number:02d}.00.BHZ" for number in range(9)]
    with pytest.raises(AtlasError) as error:
        parse({"w.mseed": recordings.miniseed(*((name, 0, 1.0, FLAT) for name in stations))})
    assert error.value.detail.count("constant at 7") == 1
    assert "XX.S00.00.BHZ, XX.S01.00.BHZ, XX.S02.00.BHZ and 6 more" in error.value.detail


def test_metadata_of_other_stations_are_reported(parse):
    other = recordings.stationxml("YY", "CCC", 10, 20)
    issues = parse({"w.mseed": WAVES, "s.xml": other}).issues
    assert [(issue.part, issue.detail.split(";")[0]) for issue in issues if issue.code == "unused-metadata"] == [
        ("s.xml", "none of its 1 stations (YY.CCC) is recorded in the bundle")
    ]
    assert "unused-metadata" not in {
        issue.code for issue in parse({"w.mseed": WAVES, "s.xml": recordings.stationxml("XX", "AAA", 1, 2)}).issues
    }


def test_a_bad_line_of_a_table_is_quoted(parse):
    table = recordings.stations_csv(("XX", "AAA", 1, 2)) + b"\nXX,BBB,north,2,3\n"
    (issue,) = [issue for issue in parse({"w.mseed": WAVES, "s.csv": table}).issues if issue.code == "bad-station"]
    assert "line 3 (XX,BBB,north,2,3)" in issue.detail


def test_a_table_without_a_valid_line_quotes_its_first_one(parse):
    table = b"network,station,latitude,longitude\nXX,AAA,137.0,2\nXX,BBB,north,2\n"
    (issue,) = [issue for issue in parse({"w.mseed": WAVES, "s.csv": table}).issues if issue.code == "unreadable-metadata"]
    assert issue.detail == "s.csv holds no station with codes and valid coordinates: line 2 (XX,AAA,137.0,2)"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"WID2 1994/08/09", "GSE2 waveforms"),
        (b'<?xml version="1.0"?><q:quakeml xmlns:q="x"/>', "QuakeML"),
        (b"hello world", "is text"),
        (b"\x01\x02\x03\x04", "not recognized"),
    ],
)
def test_foreign_files_are_called_by_their_name(head, expected):
    assert expected in describe_unsupported(head)
    assert "accepted are miniSEED" in describe_unsupported(head)
