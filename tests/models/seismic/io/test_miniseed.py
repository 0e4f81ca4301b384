"""Reading of miniSEED, damaged and hostile files included."""

from pathlib import Path

import numpy as np
import pytest
from pymseed import DataEncoding, MiniSEEDError, MS3TraceList

from models.errors import LimitExceeded, UnreadableWaveform
from models.seismic.data_issues import DataIssue
from models.seismic.io.miniseed import MiniseedLimits, read_records, sample_count, scan_miniseed
from models.seismic.io.volume import TimeWindow
from models.seismic.waveforms import Record
from tests.support import recordings

LIMITS = MiniseedLimits(max_traces=10, max_segments=20, max_samples=100_000, max_span_s=21600.0)
Z = "IU.ANMO.00.BHZ"
SHARED = Path(__file__).resolve().parents[5] / "shared" / "data" / "real_events"


def read(*files: bytes, limits: MiniseedLimits = LIMITS) -> tuple[list[Record], list[DataIssue]]:
    return read_records([scan_miniseed(f"file{number}", data) for number, data in enumerate(files)], limits)


def codes(issues: list[DataIssue]) -> list[str]:
    return [issue.code for issue in issues]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", [np.int32, np.float32, np.float64])
def test_samples_come_back_without_their_mean(version: int, kind: type) -> None:
    samples = recordings.wave().astype(kind) + kind(5000)
    (record,), issues = read(recordings.miniseed((Z, 0.25, 20.0, samples), version=version))
    assert str(record.trace_id) == Z
    assert record.sampling_rate_hz == 20.0
    assert record.start_time_s == pytest.approx(recordings.START_S + 0.25, abs=1e-6)
    np.testing.assert_allclose(record.samples, samples - samples.mean(), atol=1e-3)
    assert record.samples.dtype == np.float32
    assert issues == []


@pytest.mark.parametrize("rate_hz", [0.1, 1.0, 40.0, 100.0])
def test_sampling_rates_from_a_tenth_to_a_hundred_hertz(rate_hz: float) -> None:
    (record,), _ = read(recordings.miniseed((Z, 0, rate_hz, recordings.wave())))
    assert record.sampling_rate_hz == pytest.approx(rate_hz)
    assert record.duration_s == pytest.approx(599 / rate_hz)


def test_only_verticals_are_kept_and_other_channels_are_reported() -> None:
    wave = recordings.wave()
    data = recordings.miniseed((Z, 0, 1.0, wave), ("IU.ANMO.00.BH1", 0, 1.0, wave), ("IU.COLA.00.BHN", 0, 1.0, wave))
    records, issues = read(data)
    assert [str(record.trace_id) for record in records] == [Z]
    assert [(issue.part, issue.code, issue.detail) for issue in issues] == [
        ("file0", "no-vertical", "IU.COLA has no vertical channel; not used"),
        ("file0", "not-vertical", "channels left out, not vertical nor horizontal beside a vertical one: 2"),
    ]


def test_channels_and_locations_of_a_station_stay_apart() -> None:
    names = ["IU.ANMO.00.BHZ", "IU.ANMO.00.LHZ", "IU.ANMO.10.BHZ", "IU.ANMO..BHZ"]
    records, _ = read(recordings.miniseed(*((name, 0, 1.0, recordings.wave(seed=n)) for n, name in enumerate(names))))
    assert sorted(str(record.trace_id) for record in records) == sorted(names)


def test_a_channel_continues_over_files_and_the_gap_is_reported() -> None:
    wave = recordings.wave(1000)
    (record,), issues = read(
        recordings.miniseed((Z, 500, 1.0, wave[500:])), recordings.miniseed((Z, 0, 1.0, wave[:400]), version=3), limits=LIMITS
    )
    assert np.isnan(record.samples[400:500]).all()
    assert np.isfinite(record.samples).sum() == 900
    np.testing.assert_allclose(np.diff(record.samples[500:]), np.diff(wave[500:]), atol=1e-3)
    assert [(issue.trace, issue.code, issue.detail) for issue in issues] == [(Z, "gaps", "1 gap, 100 s in all, left empty")]


def test_the_end_of_a_truncated_file_is_skipped_and_reported() -> None:
    data = recordings.miniseed((Z, 0, 1.0, recordings.wave(3000)))
    (record,), issues = read(data[:-100])
    assert 0 < len(record.samples) < 3000
    assert issues[0] == DataIssue(
        None, "file0", "skipped-bytes", f"412 of {len(data) - 100} bytes are not readable miniSEED and were skipped"
    )


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("where", ["front", "middle", "end"])
@pytest.mark.parametrize("filling", [bytes(512), b"not a record"])
def test_zero_blocks_and_foreign_bytes_are_skipped_and_reported(version: int, where: str, filling: bytes) -> None:
    halves = [recordings.miniseed((Z, start, 1.0, recordings.wave(300)), version=version) for start in (0, 300)]
    data = {"front": [filling, *halves], "middle": [halves[0], filling, halves[1]], "end": [*halves, filling]}[where]
    (record,), issues = read(b"".join(data))
    assert np.isfinite(record.samples).sum() == 600
    assert codes(issues) == ["skipped-bytes"]


def test_a_damaged_record_becomes_a_gap_and_the_others_stay() -> None:
    data = bytearray(recordings.miniseed((Z, 0, 1.0, recordings.wave(3000))))
    data[512 + 64 : 1024] = np.random.default_rng(2).bytes(448)
    (record,), issues = read(bytes(data))
    assert "damaged-record" in codes(issues)
    assert "gaps" in codes(issues)
    assert np.isfinite(record.samples).sum() > 2000


def test_a_record_whose_checksum_is_wrong_is_left_out() -> None:
    data = bytearray(recordings.miniseed((Z, 0, 1.0, recordings.wave(3000)), version=3))
    data[700] ^= 0xFF
    (record,), issues = read(bytes(data))
    assert "skipped-bytes" in codes(issues)
    assert 0 < np.isfinite(record.samples).sum() < 3000


@pytest.mark.parametrize("data", [b"", b"hello world" * 100, bytes(4096), b"\x80\x04\x95" + b"cos\nsystem\n" * 90])
def test_a_file_without_a_record_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableWaveform) as caught:
        scan_miniseed("odd.mseed", data)
    assert caught.value.part == "odd.mseed"


def test_records_that_contradict_each_other_are_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the fuzzer found: miniSEED 2 without a stated length, whose end is where the next record seems to begin."""

    def contradicts(*_: object, **__: object) -> None:
        raise MiniSEEDError(-1, "data offset is beyond record length")

    monkeypatch.setattr(MS3TraceList, "from_buffer", contradicts)
    with pytest.raises(UnreadableWaveform) as caught:
        scan_miniseed("part-a", recordings.miniseed((Z, 0, 1.0, recordings.wave())))
    assert caught.value.part == "part-a"


def test_cutting_a_file_anywhere_never_fails_otherwise() -> None:
    data = recordings.miniseed((Z, 0, 1.0, recordings.wave(400)), version=3) + recordings.miniseed((Z, 400, 1.0, recordings.wave(400)))
    whole = 0
    for length in range(0, len(data), 7):
        try:
            records, _ = read(data[:length])
        except UnreadableWaveform:
            continue
        whole += len(records)
    assert whole > 0


def test_changing_bytes_anywhere_never_fails_otherwise() -> None:
    data = recordings.miniseed((Z, 0, 1.0, recordings.wave(400)), (Z, 500, 1.0, recordings.wave(200).astype(np.float32)))
    rng = np.random.default_rng(3)
    outcomes = set()
    for _ in range(1000):
        mutant = bytearray(data)
        for position in rng.integers(0, len(data), 4):
            mutant[position if rng.random() < 0.3 else position % 64] = rng.integers(256)
        try:
            outcomes.add(len(read(bytes(mutant))[0]))
        except (UnreadableWaveform, LimitExceeded) as error:
            outcomes.add(type(error).__name__)
    assert 1 in outcomes


def test_segments_far_apart_are_refused_before_memory_is_allocated() -> None:
    """Two traces of ten samples, 95 years apart."""
    bomb = recordings.miniseed((Z, 0, 1.0, recordings.wave(10)), (Z, 3e9 - recordings.START_S, 1.0, recordings.wave(10)))
    with pytest.raises(LimitExceeded, match=r"two events: 2010-01-01 \(1 trace\) and 2065-01-24 \(1 trace\)"):
        read(bomb)


def test_records_of_several_events_are_named_by_date_and_number_of_traces() -> None:
    wave = recordings.wave()
    first = [(f"XX.A{n}..BHZ", 60.0 * n, 1.0, wave) for n in range(3)]
    second = [(f"XX.B{n}..BHZ", 40_000.0, 1.0, wave) for n in range(2)]
    with pytest.raises(LimitExceeded) as caught:
        read(recordings.miniseed(*first), recordings.miniseed(*second))
    assert str(caught.value) == (
        "the bundle holds records of two events: 2010-01-01 00:00 (3 traces) and 2010-01-01 11:06 (2 traces); "
        "at most 21600 s are read: send one event at a time, or each in a folder of an archive: to /events/locate with many=true, "
        "or to /anomalies/cluster"
    )
    assert caught.value.part == "file1"
    days = recordings.miniseed(*((f"XX.C{n}..BHZ", 86_400.0 * n, 1.0, wave) for n in range(7)))
    with pytest.raises(LimitExceeded, match=r"of 7 events: 2010-01-01 \(1 trace\), .*, 2010-01-05 \(1 trace\) and 2 more; at most"):
        read(days)


def test_a_record_of_a_whole_day_is_named_with_its_length() -> None:
    day = recordings.miniseed(("DK.COP..LHZ", 0, 1.0, recordings.wave(86_400)), (Z, 0, 1.0, recordings.wave()))
    with pytest.raises(LimitExceeded) as caught:
        read(day)
    assert str(caught.value) == (
        "the record of DK.COP..LHZ is 86399 s long; at most 21600 s are read: "
        "give starttime and endtime about the event (for instance 5 minutes before to 1 hour after the origin)"
    )


@pytest.mark.parametrize("version", [2, 3])
def test_a_window_cuts_the_record_of_a_day_before_limits_are_checked(version: int) -> None:
    wave = recordings.wave(86_400)
    day = recordings.miniseed(("DK.COP..LHZ", 0, 1.0, wave), version=version)
    window = TimeWindow(recordings.START_S + 40_000.0, recordings.START_S + 43_600.0)
    volume = scan_miniseed("day.mseed", day, window)
    assert sample_count([volume]) < 10_000
    (record,), issues = read_records([volume], LIMITS)
    assert (record.start_time_s - recordings.START_S, record.duration_s, issues) == (40_000.0, 3600.0, [])
    np.testing.assert_allclose(np.diff(record.samples), np.diff(wave[40_000:43_601]), atol=1e-2)


def test_a_file_outside_the_window_is_reported() -> None:
    volume = scan_miniseed("a.mseed", recordings.miniseed((Z, 0, 1.0, recordings.wave())), TimeWindow(end_s=recordings.START_S - 60.0))
    records, issues = read_records([volume], LIMITS)
    assert records == []
    assert [(issue.part, issue.code) for issue in issues] == [("a.mseed", "outside-window")]
    assert "the start of the records to 2009-12-31T23:59:00Z" in issues[0].detail


def without_blockette_1000(data: bytes) -> bytes:
    """512-byte records with their blockette 1000 removed from the chain; the encoding is Steim-1."""
    records = [bytearray(data[start : start + 512]) for start in range(0, len(data), 512)]
    for record in records:
        record[39], record[46:48], record[48:56] = 0, bytes(2), bytes(8)
    return b"".join(records)


def test_records_without_blockette_1000_are_read_one_by_one() -> None:
    wave = recordings.wave(3000)
    with MS3TraceList() as traces:
        traces.add_data("FDSN:IU_ANMO_00_B_H_Z", wave, sample_type="i", sample_rate=1.0, starttime=recordings.START_S * 10**9)
        data = b"".join(traces.generate(format_version=2, max_record_length=512, encoding=DataEncoding.STEIM1))
    (record,), issues = read(without_blockette_1000(data))
    np.testing.assert_allclose(record.samples, wave - wave.mean(), atol=1e-2)
    assert issues == []


def test_short_records_over_too_long_a_time_are_named_by_first_and_last() -> None:
    data = recordings.miniseed((Z, 0, 1.0, recordings.wave()), ("IU.COLA.00.BHZ", 21_500, 1.0, recordings.wave()))
    with pytest.raises(LimitExceeded, match=f"22099 s from the start of {Z} to the end of IU.COLA.00.BHZ; at most 21600 s are read"):
        read(data)


def test_a_gap_within_the_span_but_at_a_high_rate_is_refused() -> None:
    bomb = recordings.miniseed((Z, 0, 100.0, recordings.wave(10)), (Z, 20_000, 100.0, recordings.wave(10)))
    with pytest.raises(LimitExceeded, match="samples; at most 100,000"):
        read(bomb)


def test_too_many_channels_segments_or_samples_are_refused() -> None:
    many = recordings.miniseed(*((f"XX.S{n:03d}..BHZ", 0, 1.0, recordings.wave(20)) for n in range(11)))
    with pytest.raises(LimitExceeded, match="11 channels; at most 10"):
        read(many)
    torn = recordings.miniseed(*((Z, 30 * n, 1.0, recordings.wave(20)) for n in range(21)))
    with pytest.raises(LimitExceeded, match="21 segments; at most 20"):
        read(torn)
    long = recordings.miniseed((Z, 0, 20.0, recordings.wave(100_001)))
    assert sample_count([scan_miniseed("long", long)]) == 100_001
    with pytest.raises(LimitExceeded, match="100,001 samples; at most 100,000"):
        read(long)


@pytest.mark.parametrize(
    ("name", "start_s", "rate_hz", "code"),
    [(Z, 0, 5000.0, "bad-rate"), (Z, 0, 0.001, "bad-rate"), (Z, 5e9, 1.0, "bad-time"), ("IU._X_.00.BHZ", 0, 1.0, "bad-codes")],
)
def test_implausible_headers_are_left_out_and_reported(name: str, start_s: float, rate_hz: float, code: str) -> None:
    good = recordings.miniseed(("IU.COLA.00.BHZ", 0, 1.0, recordings.wave()))
    records, issues = read(good, recordings.miniseed((name, start_s, rate_hz, recordings.wave(100)), version=3))
    assert [record.trace_id.station for record in records] == ["COLA"]
    assert code in codes(issues)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="../shared is absent")
def test_every_real_event_reads() -> None:
    """Each vertical channel that ObsPy reads gives a record."""
    from obspy.io.mseed.core import _read_mseed  # noqa: PLC0415  # takes a second

    limits = MiniseedLimits(2000, 5000, 200_000_000, 6 * 3600.0)
    for folder in sorted(SHARED.iterdir()):
        path = folder / "waveforms.mseed"
        expected = {trace.id for trace in _read_mseed(str(path)) if trace.stats.channel.endswith("Z") and trace.stats.npts > 1}
        records, issues = read(path.read_bytes(), limits=limits)
        dead = {issue.trace for issue in issues if issue.code in ("dead", "empty")}
        assert {str(record.trace_id) for record in records} | dead == expected, folder.name
        assert len(records) > 1


def test_horizontals_come_with_the_vertical_of_their_instrument_on_its_clock() -> None:
    wave = recordings.wave()
    data = recordings.miniseed(
        (Z, 10, 1.0, wave),
        ("IU.ANMO.00.BHN", 0, 1.0, wave),
        ("IU.ANMO.00.BHE", 300, 1.0, 2 * wave),
        ("IU.ANMO.10.BHZ", 0, 1.0, wave),
        ("IU.ANMO.10.BH1", 0, 1.0, wave),
    )
    (first, second), issues = read(data)
    assert first.horizontals is not None
    assert second.horizontals is None
    assert [str(trace_id) for trace_id in first.horizontals.trace_ids] == ["IU.ANMO.00.BHN", "IU.ANMO.00.BHE"]
    assert first.horizontals.azimuths_deg == (0.0, 90.0)
    north, east = first.horizontals.samples
    np.testing.assert_allclose(north[:590], wave[10:] - wave.mean(), atol=1e-3)
    assert np.isnan(north[590:]).all()
    assert np.isnan(east[:290]).all()
    np.testing.assert_allclose(east[290:], 2 * wave[:310] - 2 * wave.mean(), atol=1e-3)
    assert [issue.detail for issue in issues] == ["channels left out, not vertical nor horizontal beside a vertical one: 1"]


def test_horizontals_of_another_rate_or_not_requested_are_left_out() -> None:
    wave = recordings.wave()
    data = recordings.miniseed((Z, 0, 1.0, wave), ("IU.ANMO.00.BHN", 0, 1.0, wave), ("IU.ANMO.00.BHE", 0, 2.0, wave))
    assert read(data)[0][0].horizontals is None
    alike = recordings.miniseed((Z, 0, 1.0, wave), ("IU.ANMO.00.BHN", 0, 1.0, wave), ("IU.ANMO.00.BHE", 0, 1.0, wave))
    records, issues = read_records([scan_miniseed("file0", alike)], LIMITS, horizontals=False)
    assert records[0].horizontals is None
    assert [(issue.code, issue.detail) for issue in issues] == [
        ("not-vertical", "channels left out, not vertical, which alone are used here: 2")
    ]
