"""Sources of a submission become its parts."""

import io
import zipfile

import numpy as np
import obspy
import pytest
from obspy.core.inventory import Inventory, Network, Station

from seismic_atlas_client import NothingToSend
from seismic_atlas_client.bundles import Bundle


def contents(bundle):
    return [(part.name, part.read()) for part in bundle.parts]


def members(part):
    with zipfile.ZipFile(io.BytesIO(part.read())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def folder(tmp_path):
    for name, text in {"a.mseed": "A", "sub/b.mseed": "B", ".hidden": "x", "__MACOSX/c": "x", "more.zip": "Z"}.items():
        path = tmp_path / "event" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "event"


def test_paths_bytes_pairs_and_open_files_are_parts(tmp_path):
    path = tmp_path / "a.mseed"
    path.write_bytes(b"A")
    named = io.BytesIO(b"D")
    named.name = "some/where/d.sac"
    with Bundle([str(path), b"B", ("c.mseed", b"C"), named, [path, ("e.csv", io.BytesIO(b"E"))]]) as bundle:
        assert contents(bundle) == [
            ("a.mseed", b"A"),
            ("part_2", b"B"),
            ("c.mseed", b"C"),
            ("d.sac", b"D"),
            ("a.mseed", b"A"),
            ("e.csv", b"E"),
        ]


def test_a_part_can_be_read_again_for_a_retry(tmp_path, folder):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 1000)
    with Bundle([path, b"bytes", folder]) as bundle:
        for part in bundle.parts:
            first = part.open()
            assert first.seek(0, io.SEEK_END) == len(part.read())
            first.seek(0)
            assert b"".join(iter(lambda file=first: file.read(1000), b"")) == part.read() == part.open().read()


def test_a_folder_is_one_archive_without_hidden_files_and_archives_beside_it(folder):
    with Bundle([folder]) as bundle:
        assert [part.name for part in bundle.parts] == ["more.zip", "event.zip"]
        assert members(bundle.parts[1]) == {"a.mseed": b"A", "sub/b.mseed": b"B"}


def test_the_same_folder_makes_the_same_bytes(folder):
    """The service compares digests where an idempotency key is used again."""
    with Bundle([folder]) as one:
        (folder / "a.mseed").touch()
        with Bundle([folder]) as other:
            assert contents(one) == contents(other)


def test_of_several_folders_each_is_an_event_where_there_are_many_events(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.mseed").write_text(name)
    with Bundle([tmp_path / "one", tmp_path / "two", ("stations.csv", b"s")], many_events=True) as bundle:
        assert [part.name for part in bundle.parts] == ["stations.csv", "events.zip"]
        assert members(bundle.parts[1]) == {"one/a.mseed": b"one", "two/a.mseed": b"two"}
    with Bundle([tmp_path], many_events=True) as bundle:
        assert set(members(bundle.parts[0])) == {"one/a.mseed", "two/a.mseed"}, "one folder alone holds the events"


def test_temporary_archives_are_closed_at_the_end(folder):
    with Bundle([folder]) as bundle:
        file = bundle.parts[1].content
    assert file.closed


@pytest.mark.parametrize(
    ("sources", "error", "message"),
    [
        ([], NothingToSend, "empty list"),
        (["no/such/file"], FileNotFoundError, "no file or folder no/such/file"),
        ([3], TypeError, "cannot send a int"),
        ([obspy.Stream()], ValueError, "no samples"),
    ],
)
def test_a_source_that_is_none_is_refused(sources, error, message):
    with pytest.raises(error, match=message):
        Bundle(sources)


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(NothingToSend, match=tmp_path.name):
        Bundle([tmp_path])


def test_a_stream_and_an_inventory_are_written_as_miniseed_and_stationxml():
    header = {"network": "XX", "station": "AAA", "channel": "LHZ", "sampling_rate": 1.0, "starttime": obspy.UTCDateTime(2020, 1, 1)}
    masked = np.ma.masked_array(np.arange(100), mask=np.arange(100) == 50)
    stream = obspy.Stream([obspy.Trace(masked, header), obspy.Trace(np.array([2**40, 1]), {**header, "station": "BBB"})])
    inventory = Inventory([Network("XX", stations=[Station("AAA", 10.0, 20.0, 0.0)])], "test")
    with Bundle([stream, inventory, stream[0]], many_events=False) as bundle:
        waveforms, stations, _ = bundle.parts
        back = obspy.read(io.BytesIO(waveforms.read()), format="MSEED")  # noqa: TID251 -- written above
        assert [part.name for part in bundle.parts] == ["waveforms.mseed", "stations.xml", "waveforms.mseed"]
        assert [trace.stats.npts for trace in back] == [50, 49, 2], "a masked sample is a gap"
        assert back[0].data.dtype == np.int32
        assert back[2].data[0] == 2**40
        assert obspy.read_inventory(io.BytesIO(stations.read()), format="STATIONXML")[0][0].latitude == 10.0
    assert stream[0].stats.npts == 100, "the caller's stream is left as it was"


def test_streams_of_many_events_are_named():
    stream = obspy.Stream([obspy.Trace(np.zeros(5, np.float32), {"station": "AAA"})])
    with Bundle([stream, ("swarm_7", stream)], many_events=True) as bundle:
        assert [part.name for part in bundle.parts] == ["event_001.mseed", "swarm_7.mseed"]
