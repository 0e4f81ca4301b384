"""`python -m app.settings_doc`: print the configuration page, generated from `workers/settings.py`."""

import inspect
import re
import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from workers.settings import Settings

PREAMBLE = """\
# Configuration

Written by `make settings` from `workers/settings.py`; a test compares the two. Everything is an environment variable,
read when the process starts. Durations are in seconds (`_S`), sizes in bytes (`_BYTES`).
"""

_HEADING = re.compile(r"    # (?P<heading>.+)")
_FIELD = re.compile(r"    (?P<name>\w+): .+ = Field\(")


def document() -> str:
    """Return the whole page as Markdown; its headings are the comments between the settings."""
    lines = [PREAMBLE.rstrip()]
    for line in inspect.getsource(Settings).splitlines():
        if heading := _HEADING.fullmatch(line):
            title = heading["heading"]
            lines += ["", f"## {title[:1].upper()}{title[1:]}", "", "| variable | default | meaning |", "| --- | --- | --- |"]
        elif field := _FIELD.match(line):
            lines.append(_table_row(field["name"], Settings.model_fields[field["name"]]))
    return "\n".join(lines) + "\n"


def _table_row(name: str, field: FieldInfo) -> str:
    bounds = ", ".join(f"{sign} {getattr(rule, key)}" for rule in field.metadata for key, sign in _SIGNS if hasattr(rule, key))
    return f"| `{variable(name, field)}` | {_format_default(field)} | {field.description}{f' ({bounds})' if bounds else ''} |"


_SIGNS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


def variable(name: str, field: FieldInfo) -> str:
    """Return the environment variable of a setting."""
    return str(field.validation_alias) if field.validation_alias else f"{Settings.model_config['env_prefix']}{name}".upper()


def _format_default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Path):
        return f"`{value.as_posix()}`"
    return "none" if value is None else f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(document())
