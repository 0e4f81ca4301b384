"""Every hostile bundle through the sandboxed parser: refused, or read with a data issue, within the limits and without harm."""

import gzip

import pytest

from models.errors import AtlasError
from models.seismic.io.inventory import builtin_inventory
from tests.support import recordings
from workers.bundles import parse
from workers.bundles.parse import ReadLimits, parse_bundle
from workers.bundles.sandbox import parse_event_in_sandbox
from workers.settings import Settings

SETTINGS = Settings(max_files=200, max_segments=300, max_samples=2_500_000, reader_memory_bytes=2**31, reader_wall_s=20.0, reader_cpu_s=3)
LIMITS = ReadLimits(100, 2**26, 200.0, 100, 100, 100, 10**6, 86_400.0, 2**26, 2**31, 60)


@pytest.mark.parametrize("hazard", ["H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8", "H9", "H10", "H11", "H26"])
def test_a_hostile_bundle_is_refused_or_read_with_an_issue(bundles, trap, hazard):
    outcomes = {name: parse_outcome(bundle.parts) for name, bundle in bundles.items() if bundle.hazard == hazard}
    assert outcomes
    for name, (error, texts) in outcomes.items():
        assert error == bundles[name].error, (name, texts)
        assert any(bundles[name].expected_text in text for text in texts), (name, texts)
        assert all(text.isprintable() for text in texts), name
    assert not trap.exists()


def parse_outcome(parts):
    """Class and text of the error, or None and the codes of the issues."""
    try:
        event = parse_event_in_sandbox(parts, SETTINGS)
    except AtlasError as error:
        return type(error).__name__, [error.detail]
    assert all(text.isprintable() for issue in event.issues for text in (issue.detail, issue.part or "", issue.trace or ""))
    return None, [issue.code for issue in event.issues]


def test_a_bundle_after_a_hostile_one_is_read_normally(bundles):
    wave = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave()))
    for name in ("pickle as miniSEED", "gap bomb", "all samples that there can be"):
        assert parse_outcome(bundles[name].parts)[0] is not None
        assert len(parse_event_in_sandbox([("a.mseed", wave)], SETTINGS).records) == 1


def test_more_files_than_the_maximum_are_refused():
    """100,000 parts are already refused by the form parser (tests/app/uploads/test_hostile_forms.py)."""
    wave = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave()))
    parts = [("a.mseed", wave), *((f"{number}.txt", b"x") for number in range(300))]
    assert parse_outcome(parts) == ("LimitExceeded", ["more than 200 files in the bundle; split it"])


@pytest.mark.parametrize("kind", ["miniSEED 2", "miniSEED 3", "zip", "tar", "gzip", "StationXML", "table"])
def test_a_truncated_file_is_read_or_refused(kind, tmp_path, monkeypatch):
    """Every length of a small file, parsed in this process, where any unexpected exception is visible."""
    builtin = builtin_inventory()  # once instead of for each length
    monkeypatch.setattr(parse, "builtin_inventory", lambda: builtin)
    data = small_file(kind)
    wave, cut = tmp_path / "wave", tmp_path / "cut"
    wave.write_bytes(small_file("miniSEED 3"))
    for length in range(len(data)):
        cut.write_bytes(data[:length])
        parts = [("cut", cut)] if kind not in ("StationXML", "table") else [("cut", cut), ("wave", wave)]
        try:
            list(parse_bundle(parts, LIMITS, grouped=False, report=lambda _: None))
        except AtlasError:
            continue


def small_file(kind):
    version = 3 if kind == "miniSEED 3" else 2
    wave = recordings.miniseed(("XX.A.00.LHZ", 0.0, 1.0, recordings.wave(30)), version=version, reclen=128)
    return {
        "miniSEED 2": wave,
        "miniSEED 3": wave,
        "zip": recordings.zipped(a_dot_mseed=wave),
        "tar": recordings.tarred(a_dot_mseed=wave)[:1100],
        "gzip": gzip.compress(wave),
        "StationXML": recordings.stationxml("XX", "A", 1.0, 2.0),
        "table": recordings.stations_csv(("XX", "A", 1.0, 2.0)),
    }[kind]
