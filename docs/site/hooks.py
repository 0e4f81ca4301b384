"""Hooks of MkDocs: pages that come from files outside `docs`, the page of the HTTP interface, and a look for requests to other hosts."""

import json
import re
from pathlib import Path

from api_page import write_api_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]

# Files outside `docs`, and their pages.
COPIED = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "benchmarks/README.md": "project/benchmarks.md",
}
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_LOADED = re.compile(r"<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b[^>]*\bhref=[\"']?(?:https?:)?//")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of files outside `docs`, and that of the HTTP interface, written from openapi.json."""
    for source, page in COPIED.items():
        files.append(File.generated(config, page, content=_move_links(source)))
    for script in sorted((ROOT / "docs" / "notebooks").glob("*.py")):
        files.append(File.generated(config, f"notebooks/{script.stem}.md", content=write_notebook_page(script)))
    specification = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
    files.append(File.generated(config, "reference/api.md", content=write_api_page(specification)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 -- names by which MkDocs passes them
    """Point links from `docs` to copied files at their pages."""
    ups = "../" * page.file.src_uri.count("/")
    for source, target in COPIED.items():
        markdown = markdown.replace(f"]({ups}../{source}", f"]({ups}{target}")
    return re.sub(r"(\]\([\w./-]*notebooks/\w+)\.py\)", r"\1.md)", markdown)


def on_post_build(*, config: MkDocsConfig) -> None:
    """Refuse a page that would load anything from another host."""
    pages = Path(config.site_dir).rglob("*.html")
    guilty = [f"{path.name}: {hit.group()}" for path in pages if (hit := _LOADED.search(path.read_text(encoding="utf-8")))]
    if guilty:
        raise PluginError(f"loaded from other hosts: {guilty}")


def write_notebook_page(script: Path) -> str:
    """Write a script with cells as a page: cells of Markdown as they are, and cells of code as blocks of code."""
    cells = re.split(r"^# %%(.*)$", script.read_text(encoding="utf-8"), flags=re.M)[1:]
    parts = [f"*This page is the script `docs/notebooks/{script.name}`; a test runs it.*"]
    for kind, cell in zip(cells[::2], cells[1::2], strict=True):
        text = cell.strip("\n")
        parts.append(re.sub(r"^# ?", "", text, flags=re.M) if "markdown" in kind else f"```python\n{text}\n```")
    return "\n\n".join([parts[1], parts[0], *parts[2:]]) + "\n"


def _move_links(source: str) -> str:
    """Return the text of a file outside `docs` with links for its page."""
    text = (ROOT / source).read_text(encoding="utf-8")
    return _LINK.sub(lambda link: _move_link(link, Path(source).parent), text)


def _move_link(link: re.Match[str], folder: Path) -> str:
    """Rewrite a link of a file outside `docs` for its page in `project`; one to a file without a page keeps its text alone."""
    text, target = link.groups()
    if "://" in target or target.startswith("#"):
        return link.group()
    path, _, anchor = target.partition("#")
    name = (ROOT / folder / path).resolve().relative_to(ROOT).as_posix()
    suffix = f"#{anchor}" if anchor else ""
    if name in COPIED:
        return f"[{text}](../{COPIED[name]}{suffix})"
    if name == "docs/decisions":
        return f"[{text}](../decisions/README.md)"
    return f"[{text}](../{name.removeprefix('docs/')}{suffix})" if name.startswith("docs/") and name.endswith(".md") else text
