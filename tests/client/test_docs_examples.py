"""The examples of the pages on the client run as they are."""

import re
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy.core.inventory import Inventory, Network, Station

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/how-to/use_the_client.md", "client/README.md")


@pytest.fixture
def files(tmp_path, monkeypatch, service):
    """The files that the pages name, in the current folder."""
    header = {"network": "XX", "station": "AAA", "channel": "LHZ", "starttime": obspy.UTCDateTime(2020, 1, 1)}
    obspy.Trace(np.zeros(600, np.int32), header).write(str(tmp_path / "waveforms.mseed"), format="MSEED")
    Inventory([Network("XX", stations=[Station("AAA", 10.0, 20.0, 0.0)])], "test").write(
        str(tmp_path / "stations.xml"), format="STATIONXML"
    )
    (tmp_path / "anomalies").mkdir()
    (tmp_path / "anomalies" / "one.mseed").write_bytes((tmp_path / "waveforms.mseed").read_bytes())
    (tmp_path / "notes.txt").write_text("nothing of use")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATLAS_URL", service.url)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page, files, capsys):
    """In the order of the page, as one program."""
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), flags=re.M | re.S)
    assert blocks
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)  # noqa: S102 -- a page of this repository
    printed = capsys.readouterr().out
    assert "2001-09-09" in printed
    if "client.md" in page:
        assert (files / "event.xml").exists()
        assert (files / "figures" / "section.png").exists()
        assert "unsupported-part ['notes.txt']" in printed
