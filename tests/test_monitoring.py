"""Alarms and dashboard in docker/monitoring: every metric that they name is one that the service serves."""

import json
import re
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from app.middleware.metrics import Metrics
from workers.queue.connection import QueueUnreachable
from workers.queue.statistics import RUN, STAGE, WAIT, Counts, Durations

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docker" / "monitoring"
RULES = [rule for group in yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
PANELS = DASHBOARD["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for panel in PANELS for target in panel["targets"]]
LABEL = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


@pytest.fixture(scope="module")
def served() -> dict[str, set[str]]:
    """Names of all samples that the service serves, with their labels; `up` is Prometheus's own."""

    class NoQueue:
        def list_queued(self) -> None:
            raise QueueUnreachable("no queue server")

    metrics = Metrics()
    metrics.count_request("GET", "/jobs", 200, 0.1, 10)
    metrics.count_closed_connection("evicted")
    for gauge, labels in ((metrics._models, ("offset", "4")), (metrics._memory, ("w",)), (metrics._cpu, ("w",))):
        gauge.labels(*labels).set(1)
    durations = {(WAIT, "locate", ""): Durations(), (RUN, "locate", ""): Durations(), (STAGE, "locate", "read"): Durations()}
    metrics._jobs.update(Counts({("locate", "failed", "worker-lost"): 1}, durations, {"cpu": 1}))
    found: dict[str, set[str]] = {"up": {"job"}}
    for line in metrics.scrape(NoQueue()).decode().splitlines():  # type: ignore[arg-type]
        if not line.startswith("#"):
            name, _, labels = line.rpartition(" ")[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_metrics_and_labels_that_are_served(served, expression):
    names = re.findall(r"\b(?:atlas|process)_\w+|\bup\b", expression)
    assert names
    assert set(names) <= served.keys()
    allowed = {"instance", "job"}.union(*(served[name] for name in names))
    used = set(re.findall(r"(\w+)\s*(?:=~|!=|=)\"", expression))
    used |= {label.strip() for found in re.findall(r"(?:by|without) \(([^)]*)\)", expression) for label in found.split(",")}
    assert used <= allowed


def test_every_label_in_a_text_is_one_that_its_expression_keeps():
    texts = [(rule["expr"], " ".join(rule["annotations"].values())) for rule in RULES]
    texts += [(target["expr"], target["legendFormat"]) for panel in PANELS for target in panel["targets"]]
    for expression, text in texts:
        kept = {label.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for label in found.split(",")}
        assert set(LABEL.findall(text)) <= kept | {"instance"}, text


def test_counts_of_the_queue_server_are_not_added_up_over_api_processes():
    """Each API process serves the same counts: a sum over two processes would be twice the truth."""
    shared = re.compile(r"atlas_(?:jobs|job|workers|worker|models|lost|queue)_?\w*")
    for expression in EXPRESSIONS:
        for name in shared.findall(expression):
            before = expression[: expression.index(name)]
            assert re.search(r"(?:max|min)(?: (?:by|without) \([^)]*\))? ?\($", before), expression


def test_every_alarm_has_a_severity_and_says_what_to_do():
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_grafanas_own_types_read_the_dashboard_and_write_all_of_it():
    written = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert find_lost(DASHBOARD, written) == []
    misspelled = json.loads(json.dumps(DASHBOARD))
    misspelled["panels"][0]["fieldConfig"]["defaults"]["unitt"] = "s"
    assert find_lost(misspelled, json.loads(JSONEncoder().encode(Dashboard.from_json(misspelled)))) == [
        "/panels/0/fieldConfig/defaults/unitt"
    ]


def find_lost(given: object, kept: object, path: str = "") -> list[str]:
    """Return the paths of what differs or is missing; Grafana may add defaults."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [lost for name, value in given.items() for lost in find_lost(value, kept.get(name), f"{path}/{name}")]
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        return [lost for number, pair in enumerate(zip(given, kept, strict=True)) for lost in find_lost(*pair, f"{path}/{number}")]
    return [] if given == kept else [path]


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells = [
        (x, y)
        for grid in (panel["gridPos"] for panel in PANELS)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
