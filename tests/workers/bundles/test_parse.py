"""Parsing of bundles into events, in the test process itself."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.errors import LimitExceeded, NoUsableTrace, UnreadableArchive, UnreadableMetadata, UnreadableWaveform, UnsupportedPart
from models.seismic.io.volume import TimeWindow
from tests.support import recordings
from workers.bundles.parse import EventRecords, ReadLimits, parse_bundle
from workers.bundles.sandbox import read_limits
from workers.settings import Settings

Z = "XX.AAA.00.BHZ"
Parse = Callable[..., list[EventRecords]]


@pytest.fixture
def parse(tmp_path: Path) -> Parse:
    """Parts by keyword (`_dot_` is a dot) to events."""

    def run(*, grouped: bool = False, limits: ReadLimits | None = None, **parts: bytes) -> list[EventRecords]:
        named = [(name.replace("_dot_", "."), data) for name, data in parts.items()]
        for name, data in named:
            (tmp_path / name).write_bytes(data)
        return list(
            parse_bundle([(name, tmp_path / name) for name, _ in named], limits or read_limits(Settings()), grouped, lambda _: None)
        )

    return run


@pytest.fixture
def waves() -> bytes:
    data: bytes = recordings.miniseed((Z, 0, 1.0, recordings.wave()), ("IU.ANMO.00.LHZ", 0, 1.0, recordings.wave()))
    return data


def codes(event: EventRecords) -> list[tuple[str | None, str]]:
    return [(issue.part, issue.code) for issue in event.issues]


def test_coordinates_come_from_stationxml_before_tables_before_the_builtin_inventory(parse: Parse, waves: bytes) -> None:
    table, xml = recordings.stations_csv(("XX", "AAA", 1, 2)), recordings.stationxml("XX", "AAA", 10, 20)
    (bare,) = parse(a=waves)
    assert [record.latitude_deg for record in bare.records] == [pytest.approx(34.946, abs=0.01), None]
    assert [issue.code for issue in bare.issues] == ["no-coordinates"]
    (tabled,) = parse(a=waves, b=table)
    assert tabled.records[1].longitude_deg == 2.0
    (full,) = parse(a=waves, b=table, c=recordings.gzipped(xml))
    assert full.records[1].longitude_deg == 20.0
    assert codes(full) == [("b", "contradicting-coordinates")]


def test_bad_parts_beside_good_ones_become_issues(parse: Parse, waves: bytes) -> None:
    (event,) = parse(
        a=waves,
        b_dot_txt=b"hello",
        c_dot_mseed=b"garbage" * 100,
        d_dot_csv=b"a,b",
        e=recordings.zipped(x=recordings.zipped(y=waves)),
    )
    assert len(event.records) == 2
    assert codes(event) == [
        ("b.txt", "unsupported-part"),
        ("e", "unreadable-archive"),
        ("c.mseed", "unreadable-waveform"),
        ("d.csv", "unreadable-metadata"),
        (None, "no-coordinates"),
    ]


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("a.mseed", b"\x80\x04\x95garbage" * 100, UnreadableWaveform),
        ("a.txt", b"hello", UnsupportedPart),
        ("a.zip", b"PK\x03\x04garbage", UnreadableArchive),
        ("a.tar", bytes(257) + b"ustar" + bytes(600), UnreadableArchive),
        ("a", b"", UnsupportedPart),
    ],
)
def test_a_single_event_without_records_raises_the_error_of_its_part(parse: Parse, name: str, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        parse(**{name: data})
    assert caught.value.part == name  # type: ignore[attr-defined]


def test_a_single_event_without_usable_vertical_record_raises_the_cause(parse: Parse) -> None:
    horizontals = [(f"XX.{station}.00.BHN", 0, 1.0, recordings.wave()) for station in ("AAA", "BBB", "CCC", "DDD")]
    with pytest.raises(NoUsableTrace, match=r"record: no vertical channel \(XX.AAA, XX.BBB, XX.CCC and 1 more\);"):
        parse(a=recordings.miniseed(*horizontals))
    with pytest.raises(NoUsableTrace, match="constant at 7"):
        parse(a=recordings.miniseed((Z, 0, 1.0, np.full(500, 7, np.int32))))
    with pytest.raises(NoUsableTrace, match="no waveform"):
        parse(a=recordings.stations_csv(("XX", "AAA", 1, 2)))


def test_unreadable_metadata_are_an_issue_of_a_readable_event(parse: Parse, waves: bytes) -> None:
    (event,) = parse(a=waves, b_dot_xml=b"<FDSNStationXML")
    assert codes(event)[0] == ("b.xml", UnreadableMetadata.code)


def test_grouped_events_use_the_metadata_of_their_folder_first(parse: Parse, waves: bytes) -> None:
    archive = recordings.zipped(
        one__a_dot_mseed=waves,
        one__s_dot_csv=recordings.stations_csv(("XX", "AAA", 1, 2)),
        two_dot_mseed=waves,
        three_dot_mseed=b"000001D garbage",
    )
    events = parse(grouped=True, a_dot_zip=archive, s=recordings.stations_csv(("XX", "AAA", 3, 4)), bad=b"hello")
    assert {event.name: [record.latitude_deg for record in event.records][1:] for event in events} == {
        "one": [1.0],
        "two": [3.0],
        "three": [],
    }
    assert codes(events[0]) == [("bad", "unsupported-part"), ("s", "contradicting-coordinates")]
    assert codes(events[2]) == [("a.zip/three.mseed", "unreadable-waveform")]


def test_an_event_over_a_limit_raises_alone_and_has_no_records_among_many(parse: Parse, waves: bytes) -> None:
    bomb = recordings.miniseed((Z, 0, 1.0, recordings.wave(10)), (Z, 1e9, 1.0, recordings.wave(10)))
    with pytest.raises(LimitExceeded):
        parse(a=bomb)
    events = parse(grouped=True, a=bomb, b=waves)
    assert [(event.name, len(event.records)) for event in events] == [("a", 0), ("b", 2)]
    assert codes(events[0]) == [("a", "limit-exceeded")]


def test_numbers_of_events_and_samples_are_limited(parse: Parse, waves: bytes) -> None:
    with pytest.raises(LimitExceeded, match="3 events; at most 2"):
        parse(grouped=True, limits=read_limits(Settings(max_events=2)), a=waves, b=waves, c=waves)
    with pytest.raises(LimitExceeded, match="more than 3,000 samples in the bundle"):
        parse(grouped=True, limits=read_limits(Settings(max_samples=3000)), a=waves, b=waves, c=waves)


def test_the_size_of_metadata_is_limited(parse: Parse, waves: bytes) -> None:
    table = recordings.stations_csv(*[("XX", "AAA", 1.0, 2.0)] * 10)
    with pytest.raises(LimitExceeded, match="at most 100 are read"):
        parse(limits=read_limits(Settings(max_metadata_bytes=100)), waves=waves, table=table)


def test_one_record_a_station_is_selected_and_the_others_become_issues(parse: Parse) -> None:
    names = ("IU.ANMO.00.LHZ", "IU.ANMO.10.LHZ", "IU.COLA.00.LHZ")
    data = recordings.miniseed(*((name, 0, 1.0, recordings.wave(seed=seed)) for seed, name in enumerate(names)))
    for grouped in (False, True):
        (event,) = parse(grouped=grouped, a=data)
        assert [str(record.trace_id) for record in event.records] == ["IU.ANMO.00.LHZ", "IU.COLA.00.LHZ"]
        assert [(issue.trace, issue.code) for issue in event.issues] == [("IU.ANMO.10.LHZ", "not-chosen")]


RESP = """B050F03     Station:     AAA
B050F16     Network:     XX
B052F03     Location:    00
B052F04     Channel:     BHZ
B052F22     Start date:  2000,001
B052F23     End date:    No Ending Time
B053F03     Transfer function type:                A
B053F04     Stage sequence number:                 1
B053F05     Response in units lookup:              M/S - Velocity in Meters per Second
B053F06     Response out units lookup:             V - Volts
B053F07     A0 normalization factor:               1.0
B053F08     Normalization frequency:               1.0
B053F09     Number of zeroes:                      0
B053F14     Number of poles:                       0
B058F03     Stage sequence number:                 1
B058F04     Gain:                                  1500
B058F05     Frequency of gain:                     1.0 HZ
B058F06     Number of calibrations:                0
B058F03     Stage sequence number:                 0
B058F04     Sensitivity:                           1500
B058F05     Frequency of sensitivity:              1.0 HZ
B058F06     Number of calibrations:                0
"""


def test_responses_without_coordinates_go_with_the_coordinates_of_a_table(parse: Parse, waves: bytes) -> None:
    (event,) = parse(a=waves, b=recordings.stations_csv(("XX", "AAA", 1, 2)), c=RESP.encode())
    record = next(record for record in event.records if record.trace_id.station == "AAA")
    assert (record.latitude_deg, record.longitude_deg) == (1.0, 2.0)
    np.testing.assert_allclose(record.response.velocity_response, 1500.0)


def test_seiscomp_xml_may_not_declare_a_document_type(parse: Parse, waves: bytes) -> None:
    text = b'<!DOCTYPE x [<!ENTITY a "b">]><seiscomp xmlns="http://geofon.gfz-potsdam.de/ns/seiscomp3-schema/0.10"><Inventory/></seiscomp>'
    (event,) = parse(a=waves, b=text)
    assert ("b", "unreadable-metadata") in codes(event)
    assert "document type" in event.issues[0].detail


def test_a_seed_volume_is_both_waveforms_and_metadata_and_a_dataless_one_only_metadata(parse: Parse, waves: bytes) -> None:
    """The station header here is empty, and the complaint shows that it was read."""
    volume = [b"000001V 0100094 2.3091970,001~2038,001~2020,001~ATLAS~TEST~", b"000002S 0500010"]
    headers = b"".join(record.ljust(512) for record in volume)
    (full,) = parse(volume=headers + waves)
    assert len(full.records) == 2
    assert codes(full)[0] == ("volume", "unreadable-metadata")
    assert "describes no station" in full.issues[0].detail
    with pytest.raises(NoUsableTrace, match="only volume; add miniSEED or SAC"):
        parse(volume=headers)


def test_a_window_cuts_an_event_and_an_empty_one_is_named(parse: Parse, waves: bytes) -> None:
    inside = TimeWindow(recordings.START_S + 100.0, recordings.START_S + 400.0)
    (event,) = parse(a=waves, limits=read_limits(Settings(max_span_s=300.0), inside))
    assert {record.duration_s for record in event.records} == {300.0}
    with pytest.raises(NoUsableTrace, match=r"no samples in the requested window, 2010-01-02T03:46:40Z to their end"):
        parse(a=waves, limits=read_limits(Settings(), TimeWindow(start_s=recordings.START_S + 1e5)))
