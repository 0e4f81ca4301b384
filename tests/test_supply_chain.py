"""Licenses of what is shipped, and advisories looked up in a file."""

import importlib.util
import json
import os
import time
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
SERVED = [ROOT / "requirements" / f"{group}.txt" for group in ("api", "worker")]


def load(name: str) -> ModuleType:
    """Load a script of docker/supply_chain, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docker" / "supply_chain" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


licenses, advisories = load("licenses"), load("advisories")


def test_no_served_package_has_a_license_that_is_refused():
    rows, _ = licenses.list_licenses({path.stem: licenses.read_pins(path) for path in SERVED})
    assert len(rows) > 60
    assert [row for row in rows if licenses.is_refused(row[1])] == []


def test_the_page_of_licenses_has_every_served_package():
    page = (ROOT / "docs" / "reference" / "licenses.md").read_text()
    rows, _ = licenses.list_licenses({path.stem: licenses.read_pins(path) for path in SERVED})
    assert [
        name
        for name, _, inside in rows
        if not any(line.startswith(f"| {name} | ") and line.endswith(f"| {inside} |") for line in page.splitlines())
    ] == []


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("MIT", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("LGPL-3.0-or-later", False),
        ("GPL-2.0-only OR MIT", False),
        ("GPL-3.0-or-later", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("AGPL-3.0-only", True),
        ("GNU Affero General Public License v3", True),
        ("SSPL-1.0", True),
        ("not stated", True),
    ],
)
def test_only_copyleft_of_the_whole_program_and_unstated_licenses_are_refused(text, refused):
    assert licenses.is_refused(text) is refused


def make_advisory(name: str = "ObsPy", *, events: tuple[dict[str, str], ...] = (), versions: tuple[str, ...] = (), **more: object) -> dict:
    affected = {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
        "versions": list(versions),
    }
    return {"id": "PYSEC-1", "aliases": ["CVE-1"], "summary": "unpickles", "affected": [affected], **more}


SINCE_ONE = ({"introduced": "1.0"}, {"fixed": "1.5.1"})


@pytest.mark.parametrize(
    ("version", "advisory", "hit"),
    [
        ("1.5.0", make_advisory(events=SINCE_ONE), True),
        ("1.5.1", make_advisory(events=SINCE_ONE), False),
        ("0.9", make_advisory(events=SINCE_ONE), False),
        ("1.10.0", make_advisory(events=({"introduced": "0"}, {"fixed": "1.9"})), False),
        ("2.0", make_advisory(events=({"introduced": "0"}, {"fixed": "1.9"}, {"introduced": "2.0"}, {"fixed": "2.1"})), True),
        ("1.9", make_advisory(events=({"introduced": "0"}, {"last_affected": "1.9"})), True),
        ("1.9.1", make_advisory(events=({"introduced": "0"}, {"last_affected": "1.9"})), False),
        ("1.3", make_advisory(versions=("1.3",)), True),
        ("1.5.0", make_advisory("other", events=SINCE_ONE), False),
    ],
)
def test_a_pinned_version_is_found_inside_a_range_and_not_outside(version, advisory, hit):
    found = list(advisories.find_hit(advisory, {"obspy": version}))
    assert bool(found) is hit
    assert all(one.advisory == "PYSEC-1" for one in found)


@pytest.fixture
def look_up(tmp_path):
    """Run the script on advisories and one pin; `age_days` is that of the archive."""

    def run(*found: dict, age_days: float = 0.0) -> int:
        archive, pins = tmp_path / "all.zip", tmp_path / "api.txt"
        pins.write_text("obspy==1.5.0 \\\n    --hash=sha256:00\n")
        with zipfile.ZipFile(archive, "w") as written:
            for number, advisory in enumerate(found):
                written.writestr(f"{number}.json", json.dumps(advisory))
        os.utime(archive, (time.time() - 86400 * age_days,) * 2)
        return int(advisories.main([str(archive), str(pins)]))

    return run


def test_a_hit_is_printed_with_its_names_and_the_fixed_version(look_up, capsys):
    assert look_up(make_advisory(events=SINCE_ONE), make_advisory("numpy", events=SINCE_ONE)) == 1
    assert capsys.readouterr().out == "obspy 1.5.0: PYSEC-1, CVE-1; fixed in 1.5.1; unpickles\n"


def test_a_withdrawn_advisory_is_no_hit(look_up):
    assert look_up(make_advisory("numpy"), make_advisory(events=SINCE_ONE, withdrawn="2026-01-01T00:00:00Z")) == 0


def test_an_empty_or_old_archive_is_no_good_news(look_up):
    assert look_up() == 2
    assert look_up(make_advisory("numpy"), age_days=30.0) == 2
