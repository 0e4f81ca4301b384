"""Every bundle of the corpus through the real reader, in its limited child: refused or read with a issue, soon, and no harm done."""

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
def test_a_hostile_bundle_is_refused_or_read_with_a_remark(bundles, trap, hazard):
    met = {name: met_with(bundle.parts) for name, bundle in bundles.items() if bundle.hazard == hazard}
    assert met
    for name, (error, said) in met.items():
        assert error == bundles[name].error, (name, said)
        assert any(bundles[name].says in words for words in said), (name, said)
        assert all(words.isprintable() for words in said), name
    assert not trap.exists()


def met_with(parts):
    """The class of the error and its words, or None and the codes of the issues."""
    try:
        event = parse_event_in_sandbox(parts, SETTINGS)
    except AtlasError as error:
        return type(error).__name__, [error.detail]
    assert all(words.isprintable() for issue in event.issues for words in (issue.detail, issue.part or "", issue.trace or ""))
    return None, [issue.code for issue in event.issues]


def test_a_bundle_after_a_hostile_one_is_read_as_if_nothing_had_been(bundles):
    wave = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave()))
    for name in ("pickle as miniSEED", "gap bomb", "all samples that there can be"):
        assert met_with(bundles[name].parts)[0] is not None
        assert len(parse_event_in_sandbox([("a.mseed", wave)], SETTINGS).records) == 1


def test_ten_thousand_parts_are_read_and_more_files_than_allowed_are_not():
    """100,000 parts are refused by the form itself (tests/security/test_hostile_forms.py); what passes it is opened one by one."""
    wave = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave()))
    parts = [("a.mseed", wave), *((f"{number}.txt", b"x") for number in range(300))]
    assert met_with(parts) == ("LimitExceeded", ["more than 200 files in the bundle"])


@pytest.mark.parametrize("kind", ["miniSEED 2", "miniSEED 3", "zip", "tar", "gzip", "StationXML", "table"])
def test_cut_at_every_byte_it_is_read_or_refused_and_nothing_else(kind, tmp_path, monkeypatch):
    """Every length of a small file, in this process: what the child would have caught would be seen here."""
    book = builtin_inventory()  # once, and not for each length
    monkeypatch.setattr(parse, "builtin_inventory", lambda: book)
    data = short(kind)
    wave, cut = tmp_path / "wave", tmp_path / "cut"
    wave.write_bytes(short("miniSEED 3"))
    for length in range(len(data)):
        cut.write_bytes(data[:length])
        parts = [("cut", cut)] if kind not in ("StationXML", "table") else [("cut", cut), ("wave", wave)]
        try:
            list(parse_bundle(parts, LIMITS, grouped=False, report=lambda _: None))
        except AtlasError:
            continue


def short(kind):
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
