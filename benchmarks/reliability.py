"""
`python -m benchmarks.reliability`: write docs/results/reliability.md from the reports of the fault tests in `build`.

It measures nothing itself: first run the commands that the page names. A report that is missing is said to be missing.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.evaluation.pages import RESULTS, describe_command, format_table, write_page

BUILD = Path("build")
Report = dict[str, Any]


def main() -> None:
    """Write the page."""
    path = write_page(
        RESULTS / "reliability.md",
        Path(__file__).parent / "templates" / "reliability.md",
        describe_command("benchmarks.reliability", sys.argv[1:]),
        connections=describe_report("faults/connections.json", format_connections),
        stalls=describe_report("faults/stalls.json", format_stalls),
        faults=describe_report("faults/report.json", format_faults),
        overload=describe_report("overload/report.json", format_overload),
    )
    print(f"written: {path}")


def describe_report(name: str, describe: Callable[[Report], str]) -> str:
    """Format the report of that name, or say that there is none."""
    path = BUILD / name
    return describe(json.loads(path.read_text())) if path.is_file() else "No report: not measured at this commit."


def format_connections(report: Report) -> str:
    """Format the attacks on each server."""
    heads = (
        "server",
        "memory at rest, MiB",
        "during the flood, MiB",
        "/health/live answered during 1,100 silent connections",
        "longest, ms",
        "silent connections left",
        "slow heads left, of 50",
    )
    return format_table(heads, [_describe_server(server, found) for server, found in report.items()])


def _describe_server(server: str, found: Report) -> tuple[str, ...]:
    flood, silent, slow = found["header_flood"], found["silent_connections"], found["slow_heads"]
    answered = f"{silent['requests'] - silent['unanswered']} of {silent['requests']}"
    memory = (f"{flood['memory_at_rest_mib']:.0f}", f"{flood['memory_mib']:.0f}")
    left = (f"{silent['open_at_end']:,}", f"{slow['open_at_end']}")
    return (server, *memory, answered, f"{silent['longest_ms']:.0f}", *left)


def format_stalls(report: Report) -> str:
    """Format the times of answers while the queue does not answer."""
    paths = [(path, figures) for path, figures in report.items() if path.startswith("/")]
    rows = [(path, f"{found['answers']:,}", f"{found['median_s']:.3f}", f"{found['longest_s']:.2f}") for path, found in paths]
    end = "Served again afterwards." if report["recovered"] else "**Not served again afterwards.**"
    table = format_table(("path", "answers", "median, s", "longest, s"), rows)
    return f"{table}\n\nAnswers that break a promise: {report['violations']}. {end}"


def format_faults(report: Report) -> str:
    """Format the outcome of the fault test."""
    violations = len(report["violations"])
    return f"{report.get('accepted', '?')} jobs accepted; {report['lost']} lost; {violations} violations of any kind."


def format_overload(report: Report) -> str:
    """Format the outcome of the overload test."""
    others = {name: value for name, value in report.items() if name != "violations"}
    return f"{len(report['violations'])} violations. `{json.dumps(others)}`"


if __name__ == "__main__":
    main()
