"""
`python -m benchmarks.quakeml URL FOLDER`: the QuakeML of located events, checked.

Every folder of FOLDER (waveforms with `stations.csv` or another format of station metadata) is sent to `/events/locate` of the service at
URL. Its QuakeML is validated against the schema of QuakeML 1.2, which ObsPy ships; every id that it refers to has to be the id of one of
its elements, and no id may occur twice; and it is converted to SeisComP XML and validated against that schema. Exits with 1 on a fault.
"""

import argparse
import io
import sys
import warnings
from collections import Counter
from pathlib import Path

import httpx
import obspy
from lxml import etree
from obspy.io.quakeml.core import _validate

from training.evaluation.pages import RESULTS, describe_command, format_table, write_page

OUTSIDE = ("methodID", "earthModelID", "greensFunctionID", "referenceSystemID")
"""Elements that refer to something outside the document; all others that end in ID refer to one of its elements."""

SEISCOMP_VERSION = "0.12"
SENT = (".mseed", ".csv", ".xml", ".xml.gz")


def find_faults(document: bytes) -> list[str]:
    """List what is wrong with a QuakeML document: schema, ids that do not resolve or occur twice, conversion to SeisComP XML."""
    faults = [] if _validate(io.BytesIO(document)) else ["not valid by the schema"]
    root = etree.fromstring(document)
    ids = Counter(element.get("publicID") for element in root.iter() if element.get("publicID"))
    named = ((etree.QName(element).localname, element.text or "") for element in root.iter(etree.Element))
    references = {text for name, text in named if name.endswith("ID") and name not in OUTSIDE and text.startswith("smi:")}
    faults += [f"{name} is no element" for name in sorted(references - set(ids))]
    faults += [f"{name} occurs {count} times" for name, count in ids.items() if count > 1]
    try:
        obspy.read_events(io.BytesIO(document), format="QUAKEML").write(
            io.BytesIO(), format="SCML", version=SEISCOMP_VERSION, validate=True
        )
    except AssertionError as error:
        faults.append(f"not convertible to SeisComP XML: {error}")
    return faults


def locate(client: httpx.Client, folder: Path) -> bytes | None:
    """Locate the event of a folder; returns its QuakeML, or None where it cannot be located."""
    files = [("bundle", (path.name, path.read_bytes())) for path in sorted(folder.iterdir()) if path.name.endswith(SENT)]
    job = client.post("/events/locate", files=files, headers={"Prefer": "wait=60"}).raise_for_status().json()
    while job["status"] in ("queued", "running"):
        job = client.get(f"/jobs/{job['id']}", params={"wait": 30}).raise_for_status().json()
    if job["status"] != "succeeded":
        return None
    return client.get(f"/jobs/{job['id']}/result", params={"format": "quakeml"}).raise_for_status().content


def describe(name: str, document: bytes | None) -> tuple[str, ...]:
    """Describe the QuakeML of one event in a row of the table."""
    if document is None:
        return (name, "not located", "", "", "")
    event = obspy.read_events(io.BytesIO(document), format="QUAKEML")[0]
    region = event.event_descriptions[0].text if event.event_descriptions else ""
    return (name, region, str(len(event.origins)), str(len(event.picks)), "; ".join(find_faults(document)) or "none")


def main() -> int:
    """Locate every event, print a row for each, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    with httpx.Client(base_url=arguments.url, timeout=120) as client:
        for folder in sorted(path for path in arguments.folder.iterdir() if list(path.glob("*.mseed"))):
            rows.append(describe(folder.name, locate(client, folder)))
            print(*rows[-1], sep=" | ", flush=True)
    faulty = [row for row in rows if row[-1] not in ("", "none")]
    write_page(
        RESULTS / "quakeml.md",
        Path(__file__).parent / "templates" / "quakeml.md",
        describe_command("benchmarks.quakeml", ["URL", "FOLDER"]),
        events=str(len(rows)),
        located=str(sum(row[-1] != "" for row in rows)),
        faulty=str(len(faulty)),
        seiscomp=SEISCOMP_VERSION,
        table=format_table(("event", "region", "origins", "picks", "faults"), rows),
    )
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
