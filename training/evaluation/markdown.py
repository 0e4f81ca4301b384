"""Pages written by commands: each command owns the part between its two marks and leaves the rest alone."""

from collections.abc import Sequence
from pathlib import Path


def replace_part(page: str, name: str, text: str) -> str:
    """The page with `text` between the marks of that name; raises ValueError where a mark is missing."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if begin not in page or end not in page:
        raise ValueError(f"there is no place between {begin} and {end}")
    before, rest = page.split(begin, 1)
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{rest.split(end, 1)[1]}"


def write_part(path: Path, name: str, text: str) -> None:
    """Replace one part of a page on disk; raises ValueError where a mark is missing."""
    path.write_text(replace_part(path.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def markdown_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def command(verb: str, preset: str) -> str:
    """What to type for a verb of `python -m training` with a preset, for a page to name what writes it."""
    return f"`{f'ATLAS_TRAINING_PRESET={preset} ' if preset else ''}python -m training {verb}`"
