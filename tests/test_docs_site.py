"""The documentation as a website, without building it: pages stand in the navigation, and the answers of the service are explained."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from workers.results import ClassifyResult, ClusterResult, LocateManyResult, LocateResult

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "site"
SPECIFICATION = json.loads((ROOT / "openapi.json").read_text())
EXPLAINED_IN = ("docs/tutorial/first_event.md", "docs/how-to/send_bundles.md", "docs/how-to/many_events.md")


def navigation() -> list[str]:
    """Pages of mkdocs.yml, in order."""
    return pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])


def pages_of(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    return [page for inner in (entry.values() if isinstance(entry, dict) else entry) for page in pages_of(inner)]


@pytest.fixture(scope="module")
def api_page() -> ModuleType:
    """The module that writes the page of the HTTP interface; MkDocs loads it from its folder as well."""
    spec = importlib.util.spec_from_file_location("api_page", SITE / "api_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_of_docs_stands_in_the_navigation_of_mkdocs_yml_once():
    listed = subprocess.run(["git", "ls-files", "-z", "docs/*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    pages = {name.removeprefix("docs/") for name in listed.split("\0") if name and (ROOT / name).is_file()}
    generated = set(re.findall(r'"((?:project|reference)/\w+\.md)"', (SITE / "hooks.py").read_text()))
    generated |= {f"notebooks/{script.stem}.md" for script in (ROOT / "docs" / "notebooks").glob("*.py")}
    assert sorted(navigation()) == sorted((pages - {"decisions/0000-template.md"}) | generated)


def test_every_link_to_a_section_of_a_page_leads_to_a_heading():
    pages = [ROOT / "docs" / page for page in navigation() if (ROOT / "docs" / page).is_file()]
    links = [(page, *link) for page in pages for link in re.findall(r"\]\(([\w./-]*\.md)?#([\w-]+)\)", page.read_text())]
    broken = [
        (page.name, target, anchor) for page, target, anchor in links if anchor not in anchors(page.parent / target if target else page)
    ]
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as MkDocs makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_the_page_of_the_interface_names_every_operation_and_every_member(api_page):
    page = api_page.write_api_page(SPECIFICATION)
    operations = [f"`{method.upper()} {path}`" for path, methods in SPECIFICATION["paths"].items() for method in methods]
    members = [f"| `{name}` |" for schema in SPECIFICATION["components"]["schemas"].values() for name in schema.get("properties", {})]
    assert [name for name in (*operations, *members) if name not in page] == []


def test_links_between_the_objects_of_the_interface_lead_to_one(api_page):
    page = api_page.write_api_page(SPECIFICATION)
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", page, flags=re.M)}
    assert set(re.findall(r"\(#(\w+)\)", page)) <= headings


@pytest.mark.parametrize("result", [ClassifyResult, LocateResult, LocateManyResult, ClusterResult], ids=lambda result: result.__name__)
def test_every_field_of_a_result_is_explained(result):
    explained = {span for page in EXPLAINED_IN for span in re.findall(r"`(\w+)`", (ROOT / page).read_text())}
    assert sorted(fields_of(result) - explained - {"kind"}) == []


def fields_of(model: type[BaseModel]) -> set[str]:
    """Names of the fields of a result and of the objects in it, but for those of a problem, which have a page of their own."""
    names = set(model.model_fields)
    for schema in model.model_json_schema().get("$defs", {}).values():
        if schema["title"] not in ("Problem", "PartProblem"):
            names |= set(schema.get("properties", {}))
    return names


def test_every_field_of_a_result_has_a_description_in_the_interface():
    bare = [
        f"{schema}.{name}"
        for result in (ClassifyResult, LocateResult, LocateManyResult, ClusterResult)
        for schema in {result.__name__, *result.model_json_schema().get("$defs", {})}
        for name, field in SPECIFICATION["components"]["schemas"].get(schema, {}).get("properties", {}).items()
        if not field.get("description") and "$ref" not in field and "const" not in field
    ]
    assert sorted(set(bare)) == []
