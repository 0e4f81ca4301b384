"""
Look up pinned packages in a file of security advisories, without any network.

    python docker/supply_chain/advisories.py all.zip requirements/api.txt requirements/worker.txt

The file is the archive of the ecosystem PyPI that the OSV database publishes each day (one JSON document an advisory), fetched on a machine
that may. Prints each hit; exit status: 0 without hits, 1 with some, 2 where the file holds no advisory or is older than `--max-age-days`.
"""

import argparse
import json
import re
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

MAX_AGE_DAYS = 14.0


@dataclass(frozen=True)
class Hit:
    """A pinned package that an advisory concerns, and the first version without the hole, if there is one."""

    package: str
    version: str
    advisory: str
    aliases: tuple[str, ...]
    fixed: str | None
    summary: str


def normalize_name(name: str) -> str:
    """Normalize a package name, as PEP 503 does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pinned_versions(paths: list[Path]) -> dict[str, str]:
    """Read name and version of every package that files of compiled requirements pin."""
    lines = [line for path in paths for line in path.read_text().splitlines()]
    found = [re.match(r"([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", line) for line in lines]
    return {normalize_name(match[1]): match[2] for match in found if match}


def read_advisories(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the advisories of an archive that are not withdrawn."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                advisory = json.loads(archive.read(name))
                if "withdrawn" not in advisory:
                    yield advisory


def find_hit(advisory: dict[str, Any], pinned: dict[str, str]) -> Iterator[Hit]:
    """Yield the pinned packages that an advisory concerns."""
    for affected in advisory.get("affected", []):
        package = affected.get("package", {})
        name = normalize_name(package.get("name", ""))
        if package.get("ecosystem") != "PyPI" or name not in pinned or not _is_affected(affected, pinned[name]):
            continue
        summary = advisory.get("summary") or advisory.get("details", "").strip().split("\n")[0]
        fixes = [event["fixed"] for entry in _version_ranges(affected) for event in entry["events"] if "fixed" in event]
        yield Hit(
            name, pinned[name], advisory["id"], tuple(advisory.get("aliases", ())), max(fixes, key=_parse_version, default=None), summary
        )


def _is_affected(affected: dict[str, Any], version: str) -> bool:
    if version in affected.get("versions", ()):
        return True
    return any(_is_inside(entry["events"], _parse_version(version)) for entry in _version_ranges(affected))


def _version_ranges(affected: dict[str, Any]) -> list[dict[str, Any]]:
    """Ranges of versions; those of commits say nothing about a pinned version."""
    return [entry for entry in affected.get("ranges", ()) if entry.get("type") == "ECOSYSTEM"]


def _is_inside(events: list[dict[str, str]], version: Version) -> bool:
    """Whether a version lies in a range: after an `introduced`, before the next `fixed` or not after the next `last_affected`."""
    inside = False
    for event in sorted(events, key=lambda event: _parse_version(next(iter(event.values())))):
        if "introduced" in event and version >= _parse_version(event["introduced"]):
            inside = True
        if "fixed" in event and version >= _parse_version(event["fixed"]):
            inside = False
        if "last_affected" in event and version > _parse_version(event["last_affected"]):
            inside = False
    return inside


def _parse_version(text: str) -> Version:
    """Parse a version; one that is none counts as the lowest, so that its range begins with the first release."""
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def main(arguments: list[str]) -> int:
    """Print the hits and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("requirements", type=Path, nargs="+")
    parser.add_argument(
        "--max-age-days", type=float, default=MAX_AGE_DAYS, help=f"age of the archive's newest file (default: {MAX_AGE_DAYS:g})"
    )
    given = parser.parse_args(arguments)
    pinned, advisories = read_pinned_versions(given.requirements), list(read_advisories(given.archive))
    age_days = (time.time() - given.archive.stat().st_mtime) / 86400
    hits = sorted({hit for advisory in advisories for hit in find_hit(advisory, pinned)}, key=lambda hit: (hit.package, hit.advisory))
    for hit in hits:
        names = ", ".join((hit.advisory, *hit.aliases))
        print(f"{hit.package} {hit.version}: {names}; {f'fixed in {hit.fixed}' if hit.fixed else 'no fixed version'}; {hit.summary}")
    print(
        f"{len(pinned)} packages, {len(advisories)} advisories, {len(hits)} hits; the archive is {age_days:.0f} days old", file=sys.stderr
    )
    if not advisories or age_days > given.max_age_days:
        print("the archive holds no advisory, or is too old", file=sys.stderr)
        return 2
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
