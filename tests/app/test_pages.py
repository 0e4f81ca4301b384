import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from workers.plots.canvas import FAMILY_COLORS, PHASE_COLORS

WEB = Path(__file__).resolve().parents[2] / "app" / "web"
VENDOR = WEB / "static" / "vendor"
MAX_PAGE_BYTES = 650_000

pytestmark = pytest.mark.anyio


def addresses(text: str) -> list[str]:
    return re.findall(r"""(?:src|href|from|import)\s*=?\s*["']([^"'#]+)["']""", text)


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_every_file_that_a_page_loads_is_served(client, path):
    page = await client.get(path)
    assert page.headers["Content-Type"].startswith("text/html")
    for address in addresses(page.text):
        answer = await client.get(f"/{address.removeprefix('./')}")
        assert answer.status_code == 200, address


OWN = sorted(file for file in WEB.rglob("*.*") if file.parent.name != "vendor")


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_no_file_of_the_page_refers_to_another_host(file):
    foreign = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", file.read_text())
    assert [address for address in foreign if "www.w3.org" not in address] == []


@pytest.mark.parametrize("file", sorted(WEB.rglob("*.html")), ids=lambda file: file.name)
def test_pages_obey_the_content_security_policy(file):
    text = file.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\sstyle=|<style|\son\w+=", text)


def test_scripts_never_insert_markup():
    for file in (file for file in OWN if file.suffix == ".js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", file.read_text()), file.name


def test_every_form_field_has_a_label():
    text = (WEB / "index.html").read_text()
    for field in re.findall(r"<(?:input|select)[^>]*>", text):
        named = re.search(r'id="(\w+)"', field)
        inside_a_label = re.search(r"<label[^>]*>(?:(?!</label>).)*" + re.escape(field), text, re.DOTALL)
        assert inside_a_label or (named and f'for="{named[1]}"' in text), field


def test_scripts_import_existing_modules():
    for file in (WEB / "static").glob("*.js"):
        for address in re.findall(r'from "\./(\S+)"', file.read_text()):
            assert (WEB / "static" / address).is_file()


def test_the_whole_page_is_small():
    """All that a browser may load: texts of licenses and notes are not."""
    assert sum(file.stat().st_size for file in WEB.rglob("*.*") if file.suffix not in (".md", ".txt")) < MAX_PAGE_BYTES


def test_every_vendored_file_has_its_license_beside_it_and_its_origin_written_down():
    origins = (VENDOR / "README.md").read_text()
    for file in (file for file in VENDOR.iterdir() if not file.name.endswith((".txt", ".md"))):
        license_text = (VENDOR / f"{file.stem}.LICENSE.txt").read_text()
        assert "Copyright" in license_text
        assert f"`{file.name}`" in origins


def test_the_map_has_land_and_borders_of_all_continents():
    world = json.loads((VENDOR / "world.json").read_text())
    names = {country["properties"]["name"] for country in world["objects"]["countries"]["geometries"]}
    assert names >= {"Japan", "Greenland", "Chile", "Kenya", "Australia", "Antarctica", "Turkey", "Canada", "New Zealand"}
    arcs = [index for polygon in world["objects"]["land"]["geometries"][0]["arcs"] for ring in polygon for index in ring]
    assert len(arcs) > 400
    assert all(-len(world["arcs"]) <= index < len(world["arcs"]) for index in arcs)


def test_a_phase_and_a_family_have_one_color_on_the_page_and_in_figures():
    light = (WEB / "static" / "page.css").read_text().split("@media")[0]
    assert dict(re.findall(r"--phase-(\w+): (#\w+)", light)) == PHASE_COLORS
    assert [color for _, color in re.findall(r"--family-(\d): (#\w+)", light)] == list(FAMILY_COLORS)


def test_the_dark_scheme_has_every_color_of_the_light_one():
    light, dark = (WEB / "static" / "page.css").read_text().split("@media")[:2]
    assert set(re.findall(r"(--[\w-]+):", dark)) == set(re.findall(r"(--[\w-]+):", light))


async def test_bundles_of_the_examples_are_served(client):
    for name in re.findall(r'^  \["(\w+)"', (WEB / "static" / "start.js").read_text(), re.MULTILINE):
        answer = await client.get(f"/examples/{name}.zip")
        assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None


async def test_scripts_are_compressed_and_limited_to_this_host(client):
    answer = await client.get("/static/vendor/leaflet.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    policy = (await client.get("/")).headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


async def test_browsers_ask_before_they_use_a_file_again(client):
    first = await client.get("/static/page.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get("/static/page.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
