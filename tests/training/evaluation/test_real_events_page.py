"""The page of real events and the five numbers of the README follow from the results, and the README quotes them as they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from models.registry.card import Metric
from tests.support.event_results import make_result
from training.evaluation.card_writer import REAL_SET
from training.evaluation.event_result import UNLOCATED
from training.evaluation.real_events_page import format_event, format_groups, format_location, format_summary

ROOT = Path(__file__).parents[3]
DISTANCE = Metric(name="median absolute error of distance", dataset=REAL_SET, value=2.49, low=1.09, high=9.25, unit="degree", n=364)


def test_an_event_is_compared_with_its_vertical_records_alone():
    cells = format_location(make_result(3), make_result(5))
    assert (cells["event"], cells["stations with horizontals"]) == ("e3", "2")
    assert (cells["error, km"], cells["by verticals alone, km"], cells["in 68 % region"]) == ("30", "50", "yes")
    assert cells["depth error, km (stated)"].startswith("+5 (")
    cells = format_event(make_result(3))
    assert (cells["class"], cells["median signed error"], cells["within one sigma"]) == ("glacial", "+0.30", "1.00")


def test_groups_are_those_with_many_stations_by_gap_and_by_distances_alone():
    open_gap = replace(make_result(1).epicenter, gap_deg=300.0)
    results = [
        make_result(1, stations=9, by_distances=make_result(7).epicenter),
        make_result(2, stations=9, epicenter=open_gap),
        make_result(3),
        make_result(4, epicenter=UNLOCATED),
    ]
    groups = format_groups(results, results)
    assert [cells[1] for cells in groups] == ["2", "1", "1", "3", "3", "1"]
    assert (groups[1][2].split()[0], groups[-1][2].split()[0]) == ("10", "70")


def test_the_summary_has_five_numbers_with_intervals_and_counts():
    lines = format_summary([make_result(number, stations=9) for number in range(1, 6)], [DISTANCE])
    assert len(lines) == 5
    assert lines[0][1].startswith("30 km (")
    assert lines[2][1].startswith("40 % (")
    assert lines[4][1:] == ("2.5 degrees (1.1 to 9.2)", "364 traces")
    assert all(np.isfinite(float(line[1].split()[0])) for line in lines)


def test_the_readme_quotes_the_summary():
    rows = [line for line in (ROOT / "docs/results/summary.md").read_text().splitlines() if line.startswith("| ")][2:]
    readme = (ROOT / "README.md").read_text()
    assert len(rows) == 5
    assert [row for row in rows if row not in readme] == []
