"""
Print what a new user sees: `make client-transcript`, or `python -m tests.client.new_user --python python3.10`.

In a clean virtual environment the client is installed, an event is fetched from FDSN services on loopback, located by a service that is
started here with the shipped models, and its catalog is read with ObsPy. It needs a package index; the tests do the same without one.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.fdsn_server import EVENT_ID, serve_fdsn, write_bundle_folder

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = ROOT / "app" / "demo_bundles"
PROGRAM = """
import obspy
from seismic_atlas_client import Client

catalog = obspy.read_events("event.xml", format="QUAKEML")
event = catalog[0]
origin = event.preferred_origin()
print(catalog)
print(event.event_descriptions[0].text, "| depth", round(origin.depth / 1000), "km |", len(event.picks), "picks")
print("ellipse", round(origin.origin_uncertainty.max_horizontal_uncertainty / 1000), "km")

with Client() as client:
    job = next(client.jobs(kind="locate"))
    again = client.job(job.id).result()
print(again.kind, again.event_type, again.epicenter.latitude, again.epicenter.longitude)
"""


@contextmanager
def start_service(data: Path) -> Iterator[str]:
    """Run the service of this repository on a free port; yield its address."""
    command = [sys.executable, "-m", "app", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"ready at (http://\S+)/ ", process.stdout.readline())
            assert found, "the service did not start"
            yield found[1]
        finally:
            process.terminate()


class Shell:
    """Runs commands as a user would, and prints them with what they print."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._environment = {**os.environ, "PATH": f"{folder}/env/bin:{os.environ['PATH']}", "ATLAS_URL": url, "COLUMNS": "120"}

    def run(self, command: str, *, show: bool = True) -> None:
        """Run a command; raises CalledProcessError where it fails."""
        print(f"$ {command}", flush=True)
        done = subprocess.run(
            shlex.split(command),
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if show or done.returncode:
            print(done.stdout.rstrip(), flush=True)
        done.check_returncode()


def main() -> None:
    """Print the transcript."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default=sys.executable, help="Python 3.10 or later for the clean environment")
    python = parser.parse_args().python
    truth = json.loads((BUNDLES / "truth.json").read_text())["earthquake"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "served").mkdir()
        write_bundle_folder(BUNDLES / "earthquake.zip", folder / "served", truth)
        (folder / "read_catalog.py").write_text(PROGRAM)
        with serve_fdsn(folder / "served") as center, start_service(folder / "data") as url:
            shell = Shell(folder, url)
            shell.run(f"{python} -m venv env")
            shell.run(f"pip install --quiet '{ROOT}/client[obspy,cli]'", show=False)
            shell.run("python --version")
            shell.run("atlas --version")
            shell.run(f"atlas fetch {EVENT_ID} --event-service {center} --data-center {center}")
            shell.run(f"atlas locate {EVENT_ID}.zip --quakeml event.xml --figures figures")
            shell.run("python read_catalog.py")
            shell.run("atlas jobs")


if __name__ == "__main__":
    main()
