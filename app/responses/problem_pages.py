"""Explanation of each problem `type`, from the table of problems that the documentation shows."""

import html
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from app.schemas import ProblemExplanation
from workers.problems import problem_type

TABLES: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "problems.md"
_ROW: Final = re.compile(
    r"\| (?P<codes>`[^|]+`) \| (?P<status>\d{3}) \| (?P<retryable>yes|no) \| (?P<meaning>[^|]+) \| (?P<advice>[^|]*) \|"
)
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} - Seismic Atlas</title><link rel="stylesheet" href="{root}/static/page.css"></head>
<body><main><h1>{title}</h1><p>Status {status}. {retry}</p><p>{meaning}.</p><p>{advice}.</p></main></body>
</html>
"""


def find_explanation(code: str) -> ProblemExplanation | None:
    """Return the explanation of a problem code, or of a status of HTTP such as `not-found`; None for any other."""
    return _explanations().get(code) or _standard_explanations().get(code)


def render_page(explanation: ProblemExplanation, root: str) -> str:
    """Return the explanation as a page for people; `root` is the path prefix of a proxy."""
    retry = "The same request may succeed later." if explanation.retryable else "The same request will fail again."
    fields = {name: html.escape(str(value).rstrip(".")) for name, value in explanation.model_dump(mode="json").items()}
    return _PAGE.format(**{**fields, "root": html.escape(root, quote=True), "retry": retry})


@cache
def _explanations() -> dict[str, ProblemExplanation]:
    """Read the rows of the tables; a row may explain several codes."""
    found: dict[str, ProblemExplanation] = {}
    if not TABLES.exists():
        return found
    for line in TABLES.read_text(encoding="utf-8").splitlines():
        if row := _ROW.fullmatch(line.strip()):
            meaning, advice = (_LINK.sub(r"\1", row[name]).replace("`", "").strip() for name in ("meaning", "advice"))
            for code in re.findall(r"`([^`]+)`", row["codes"]):
                found[code] = ProblemExplanation(
                    type=problem_type(code),
                    title=code.replace("-", " ").capitalize(),
                    status=int(row["status"]),
                    retryable=row["retryable"] == "yes",
                    meaning=meaning,
                    advice=advice,
                )
    return found


@cache
def _standard_explanations() -> dict[str, ProblemExplanation]:
    """Explain the statuses that the routing answers with, by the phrases of the standard."""
    found = {}
    for status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        code = status.phrase.lower().replace(" ", "-")
        advice = "/docs lists the endpoints and their methods"
        found[code] = ProblemExplanation(
            type=problem_type(code), title=status.phrase, status=status, retryable=False, meaning=status.description, advice=advice
        )
    return found
