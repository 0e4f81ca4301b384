"""The examples of the pages on the client run as they are."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy.core.inventory import Inventory, Network, Station

from seismic_atlas_client.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
COMMAND = re.compile(r"^(?:\$ )?atlas (.*?)(?:  +#.*| > \S+)?$", flags=re.M)
PAGES = ("docs/how-to/use_the_client.md", "docs/how-to/obspy.md", "client/README.md")


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


def find_commands():
    """The arguments of every `atlas` in the code blocks of all pages."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    blocks = [block for page in listed for block in re.findall(r"^```(?:sh)?\n(.*?)^```", (ROOT / page).read_text(), flags=re.M | re.S)]
    return sorted({command for block in blocks for command in COMMAND.findall(block)})


def test_the_commands_of_all_pages_are_known(capsys):
    """Names of commands and options; `--help` ends them before anything is done."""
    commands = find_commands()
    assert len(commands) > 10
    refused = [command for command in commands if main([*shlex.split(command), "--help"]) != 0]
    assert refused == [], capsys.readouterr().err


def test_the_commands_on_files_run(files, capsys):
    """Those that fetch from data centers are left out, and the one that watches."""
    shutil.make_archive("event", "zip", files, "anomalies")
    page = (ROOT / "docs/how-to/use_the_command_line.md").read_text().split("## Fetch an event")[0]
    commands = COMMAND.findall(page)
    assert len(commands) == 5
    codes = [main(shlex.split(command)) for command in commands]
    assert codes == [0, 0, 0, 0, 4], "the played worker fails one of many events"
    assert {"event.xml", "catalog.xml"} <= {path.name for path in files.iterdir()}
