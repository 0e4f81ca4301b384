"""Members of a bundle and their grouping into events."""

from pathlib import Path

import pytest

from models.errors import AtlasError, LimitExceeded, UnreadableArchive, UnsupportedPart
from tests.support import recordings
from workers.bundles.archives import Budget
from workers.bundles.formats import FileKind
from workers.bundles.members import Member, group_as_one_event, group_events, walk_bundle

WAVE = b"000001D " + bytes(504)
TABLE = b"network,station,latitude,longitude,elevation\n"


class Upload:
    """Parts written to a folder, then listed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def walk(self, budget: Budget | None = None, **parts: bytes) -> tuple[list[Member], list[AtlasError]]:
        """Keywords are names; `_dot_` stands for a dot."""
        named = [(name.replace("_dot_", "."), data) for name, data in parts.items()]
        for name, data in named:
            (self.folder / name).write_bytes(data)
        return walk_bundle([(name, self.folder / name) for name, _ in named], budget or Budget(100, 2**24, 200.0))


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    return Upload(tmp_path)


def test_every_archive_format_gives_the_same_members(upload: Upload) -> None:
    files = {"a_dot_mseed": WAVE, "stations_dot_csv": TABLE}
    tar = recordings.tarred(**files)
    for packed in (
        recordings.zipped(**files),
        tar,
        recordings.gzipped(tar),
        recordings.zipped(**{k: recordings.gzipped(v) for k, v in files.items()}),
    ):
        members, problems = upload.walk(x=packed)
        assert problems == []
        assert [(member.label, member.kind) for member in members] == [
            ("x/a.mseed", FileKind.WAVEFORM),
            ("x/stations.csv", FileKind.STATIONS_CSV),
        ]
        assert [member.load() for member in members] == [WAVE, TABLE]


def test_a_gzipped_part_is_unpacked(upload: Upload) -> None:
    members, _ = upload.walk(a_dot_mseed_dot_gz=recordings.gzipped(WAVE))
    assert [(member.kind, member.load()) for member in members] == [(FileKind.WAVEFORM, WAVE)]


def test_an_unsupported_file_is_an_error_beside_the_other_members(upload: Upload) -> None:
    members, problems = upload.walk(a=WAVE, b_dot_txt=b"hello", c=recordings.zipped(d_dot_mseed=WAVE, readme=b"hello"))
    assert [member.label for member in members] == ["a", "c/d.mseed"]
    assert [(type(problem), problem.part) for problem in problems] == [(UnsupportedPart, "b.txt"), (UnsupportedPart, "c/readme")]


def test_an_archive_that_holds_an_archive_is_left_out_as_a_whole(upload: Upload) -> None:
    inner = recordings.zipped(a=WAVE)
    tar = recordings.tarred(a=WAVE)
    for nested in (inner, tar, recordings.gzipped(tar), recordings.gzipped(recordings.gzipped(WAVE)), recordings.gzipped(inner)):
        members, problems = upload.walk(a=WAVE, b=recordings.zipped(good=WAVE, bad=nested))
        assert [member.label for member in members] == ["a"]
        assert [(type(problem), problem.part) for problem in problems] == [(UnreadableArchive, "b")]
        assert "b/bad" in problems[0].detail
    _, problems = upload.walk(b=recordings.gzipped(inner))
    assert isinstance(problems[0], UnreadableArchive)


def test_more_files_than_the_maximum_raise(upload: Upload) -> None:
    with pytest.raises(LimitExceeded):
        upload.walk(Budget(2, 2**20, 200.0), a=WAVE, b=WAVE, c=WAVE)


def test_all_parts_are_grouped_into_one_event(upload: Upload) -> None:
    members, _ = upload.walk(first_dot_mseed=WAVE, stations_dot_csv=TABLE, b=recordings.zipped(x__y_dot_mseed=WAVE))
    (event,) = group_as_one_event(members)
    assert event.name == "first"
    assert len(event.waveforms) == 2
    assert len(event.metadata) == 1
    assert group_as_one_event([member for member in members if member.kind is not FileKind.WAVEFORM]) == []


def test_events_are_waveform_files_at_the_top_and_folders(upload: Upload) -> None:
    archive = recordings.zipped(top_dot_mseed=WAVE, one__a_dot_mseed=WAVE, one__b_dot_mseed=WAVE, deep__two__c_dot_mseed=WAVE)
    members, _ = upload.walk(alone_dot_mseed_dot_gz=recordings.gzipped(WAVE), b_dot_zip=archive)
    assert [(event.name, len(event.waveforms)) for event in group_events(members)] == [("alone", 1), ("top", 1), ("one", 2), ("two", 1)]


def test_metadata_in_an_events_folder_apply_to_it_and_others_to_all(upload: Upload) -> None:
    archive = recordings.zipped(
        one__a_dot_mseed=WAVE, one__s_dot_csv=TABLE, two__b_dot_mseed=WAVE, all_dot_csv=TABLE, meta__m_dot_csv=TABLE
    )
    members, _ = upload.walk(b=archive, part_dot_csv=TABLE)
    labels = {event.name: [member.label for member in event.metadata] for event in group_events(members)}
    shared = ["b/all.csv", "b/meta/m.csv", "part.csv"]
    assert labels == {"one": ["b/one/s.csv", *shared], "two": shared}


def test_names_of_events_are_unique(upload: Upload) -> None:
    archive = recordings.zipped(x__a_dot_mseed=WAVE, y__x__a_dot_mseed=WAVE, z_dot_mseed=WAVE)
    members, _ = upload.walk(a_dot_zip=archive, b_dot_zip=archive)
    names = [event.name for event in group_events(members)]
    assert names == ["a/x", "a/y/x", "a/z", "b/x", "b/y/x", "b/z"]
    again = [Member("p", "x.mseed", "", None, FileKind.WAVEFORM, bytes)] * 3
    assert [event.name for event in group_events(again)] == ["x", "x-2", "x-3"]


@pytest.mark.parametrize(("file", "name"), [("IU.ANMO.00.LHZ", "IU.ANMO.00.LHZ"), ("e.017.mseed.gz", "e.017"), (".mseed", ".mseed")])
def test_an_event_is_named_after_its_file(file: str, name: str) -> None:
    assert group_as_one_event([Member(file, file, "", None, FileKind.WAVEFORM, bytes)])[0].name == name
