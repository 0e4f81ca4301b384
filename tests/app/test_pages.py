import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "app" / "web"

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


@pytest.mark.parametrize("file", sorted(WEB.rglob("*.*")), ids=lambda file: file.name)
def test_no_file_of_the_page_refers_to_another_host(file):
    foreign = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", file.read_text())
    assert [address for address in foreign if "www.w3.org" not in address] == []


@pytest.mark.parametrize("file", sorted(WEB.rglob("*.html")), ids=lambda file: file.name)
def test_pages_obey_the_content_security_policy(file):
    text = file.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\sstyle=|<style|\son\w+=", text)


def test_scripts_never_insert_markup():
    for file in WEB.rglob("*.js"):
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
