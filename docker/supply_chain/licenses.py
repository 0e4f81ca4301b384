"""
List the licenses of pinned packages as Markdown, and refuse those that a service under the MIT license may not ship.

    python docker/supply_chain/licenses.py requirements/api.txt requirements/worker.txt > docs/reference/licenses.md

The packages must be installed in the environment of the interpreter. Standard library only, so that it runs in any of them. Exit status: 1
where a license is refused or a package states none.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

REFUSED = re.compile(
    r"(?<!L)(?<!Lesser )\bA?GPL|(?<!Lesser )(?<!Library )General Public License|Affero|SSPL|Commons Clause|Business Source", re.I
)
"""Copyleft that extends to the whole program, and licenses that restrict use. The LGPL is permitted: its packages are used unchanged."""

LONG = 80
"""Longer texts are not names: some packages put the whole license into the field."""

UNSTATED = {"cuda-toolkit": "NVIDIA proprietary (an empty package that names others)"}
"""Packages whose metadata state no license, with what their page says."""

HEAD = """\
# Licenses

The licenses of the packages that the images of API and worker install, as the packages' own metadata state them. Written by
`make licenses`; `tests/test_supply_chain.py` refuses GPL, AGPL and licenses that restrict use. Packages under the LGPL (ObsPy) are used
unchanged and may be replaced by other versions, as that license asks. The image for CUDA adds packages of NVIDIA under their own license. A
bill of materials with versions and hashes: `make sbom` ([deploy](../how-to/deploy.md)).

| package | license | in the image of |
| --- | --- | --- |"""


def read_pins(path: Path) -> list[str]:
    """Read the names of the packages that a file of compiled requirements pins."""
    return [line.split("==")[0] for line in path.read_text().splitlines() if re.match(r"[a-z0-9]", line)]


def find_license(name: str) -> str | None:
    """Find the license in a package's metadata: expression, classifiers or a short name. None without any; raises PackageNotFoundError."""
    found = metadata(name)
    expression, text = found.get("License-Expression"), (found.get("License") or "").strip()
    if expression:
        return expression
    classifiers = [line.rpartition(" :: ")[2] for line in found.get_all("Classifier") or [] if line.startswith("License :: ")]
    named = ", ".join(line for line in classifiers if line != "OSI Approved")
    return named or (text if 0 < len(text) <= LONG else UNSTATED.get(name))


def list_licenses(groups: dict[str, list[str]]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """List package, license and groups of every installed package of some groups, and the names of those that are not installed."""
    rows, absent = [], []
    for name in sorted({name for names in groups.values() for name in names}):
        inside = ", ".join(group for group, names in groups.items() if name in names)
        try:
            rows.append((name, find_license(name) or "not stated", inside))
        except PackageNotFoundError:
            absent.append(name)  # of another platform
    return rows, absent


def is_refused(text: str) -> bool:
    """Whether a license is refused, or not stated. Of several joined by OR one may be chosen."""
    choices = re.split(r"\s+OR\s+", text)
    return text == "not stated" or all(REFUSED.search(choice) is not None for choice in choices)


def main(arguments: list[str]) -> int:
    """Print the page and return the exit status."""
    rows, absent = list_licenses({Path(path).stem: read_pins(Path(path)) for path in arguments})
    print(HEAD)
    for row in rows:
        print(f"| {' | '.join(row)} |")
    if absent:
        print(f"\nOf another platform, not looked at: {', '.join(absent)}.")
    refused = [f"{name}: {text}" for name, text, _ in rows if is_refused(text)]
    print("\n".join(["refused:", *refused]) if refused else "no license is refused", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
