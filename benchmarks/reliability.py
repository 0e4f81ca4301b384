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
        cluster=describe_report("faults/cluster.json", format_cluster),
        composed=describe_report("faults/composed.json", format_composed),
        fuzz=describe_report("fuzz/report.json", format_fuzz),
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
    return f"{table}\n\nAnswers that break a promise: {report['violations']}. {end} {format_run(report)}"


def format_run(report: Report) -> str:
    """Format commit and date of a measurement, and the load average of the machine."""
    loads = ", ".join(f"{load:.1f}" for load in report["load"])
    return f"Measured at commit {report['commit']} on {report['date']}; load average {loads}."


def format_violations(report: Report) -> str:
    """Format the violations, if any, as a list."""
    found = list(dict.fromkeys(report["violations"]))
    lines = "".join(f"\n- {line}" for line in found)
    return f"Violations: {len(found) or 'none.'}\n{lines}".rstrip()


def format_faults(report: Report) -> str:
    """Format what became of the jobs of a fault test, and the times of recovery."""
    ended = ", ".join(f"{count} {status}" for status, count in sorted(report["ended"].items()))
    rows = [
        (name, str(found["injected"]), f"{found['recovered_median_s']:.1f}", f"{found['recovered_worst_s']:.1f}")
        for name, found in report["faults"].items()
    ]
    table = format_table(("fault", "times", "recovered after, median, s", "at most, s"), rows)
    refused = ", ".join(f"{count} with {status}" for status, count in sorted(report["refused"].items())) or "none"
    first = f"{report['accepted']} jobs accepted, {ended}; {report['lost']} lost."
    second = f"Requests refused, each with `Retry-After`: {refused}; without an answer: {report['unanswered']}. {format_run(report)}"
    return f"{first} {second}\n\n{table}\n\n{format_violations(report)}"


def format_cluster(report: Report) -> str:
    """Format the outcome of the cluster trial."""
    return f"{report['counted_ends'] - report['accepted']} jobs ended twice. {format_faults(report)}"


def format_composed(report: Report) -> str:
    """Format what held while the services of compose ran by hand."""
    rows = [(name, "yes" if held else "**no**") for name, held in report["held"].items()]
    return f"{format_table(('what', 'held'), rows)}\n\nReady after {report['ready_s']:.0f} s. {format_run(report)}"


def format_overload(report: Report) -> str:
    """Format the outcome of the overload test."""
    answers, health = report["answer_s"], report["health_live_s"]
    counts = ", ".join(f"{count:,} with {status}" for status, count in report["answered"].items())
    ended = ", ".join(f"{count:,} {status}" for status, count in report["accepted_jobs_ended"].items())
    rows = [
        (name, f"{found['n']:,}", f"{1000 * found['median']:.0f}", f"{1000 * found['p99']:.0f}", f"{1000 * found['worst']:.0f}")
        for name, found in (("submission", answers), ("/health/live", health))
    ]
    table = format_table(("answer to", "n", "median, ms", "99 %, ms", "worst, ms"), rows)
    offered = (
        f"{report['offered']:,} submissions in {report['seconds']:.0f} s, {report['offered_per_s']:.1f} a second, were answered: {counts}."
    )
    drained = f"Accepted jobs: {ended}; the queue was empty {report['drained_after_s']:.0f} s after the end. {format_run(report)}"
    return f"{offered} {drained}\n\n{table}\n\n{format_violations(report)}"


def format_fuzz(report: Report) -> str:
    """Format the outcome of fuzzing."""
    return f"{report['executions']:,} executions, {len(report['findings'])} findings, {report['corpus']:,} files in the corpus."


if __name__ == "__main__":
    main()
