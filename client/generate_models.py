"""
Write the models of the client from openapi.json: `make client-models`.

A schema of the contract that the client uses becomes a class with the same fields, the same required ones, and their descriptions
as docstrings. A test compares the file in the repository with what this program writes.
"""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "client" / "src" / "seismic_atlas_client" / "models.py"
STARTS = ("Job", "JobList", "Card", "Ready", "ProblemExplanation")
"""Schemas that the client reads as answers; those that they refer to are written too."""

UNUSED = {"CallbackSecret", "Live"}
"""Schemas of answers that the client does not read."""

BASES = {"ClassifyResult": "Result", "ClusterResult": "Result", "LocateResult": "LocationResult", "LocateManyResult": "LocationResult"}
WIDTH = 136
Schema = dict[str, Any]

HEAD = '''"""
Models of the answers of the service, with the names of its contract.

Written by client/generate_models.py from openapi.json; change that, not this file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from seismic_atlas_client.base import LocationResult, Model, Result
'''


def render_models(document: Schema) -> str:
    """Return the text of the module, formatted by ruff."""
    schemas = document["components"]["schemas"]
    blocks = [render_schema(name, schemas[name]) for name in order_schemas(schemas)]
    text = f"{HEAD}\n" + "\n\n\n".join(blocks) + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--no-cache", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def order_schemas(schemas: dict[str, Schema]) -> list[str]:
    """Return the names of all schemas that are needed, each behind those that it refers to."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        for other in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schemas[name])):
            visit(other)
        ordered.append(name)

    for name in STARTS:
        visit(name)
    return ordered


def render_schema(name: str, schema: Schema) -> str:
    """Return a class, or an alias of an enumeration."""
    if "enum" in schema:
        return f"{name} = Literal[{', '.join(map(repr, schema['enum']))}]\n" + render_docstring(schema.get("description", name), 0)
    required = schema.get("required", [])
    fields = [render_field(field, content, field in required) for field, content in schema["properties"].items()]
    return "\n".join([f"class {name}({BASES.get(name, 'Model')}):", render_docstring(schema.get("description", name), 4), "", *fields])


def render_field(name: str, schema: Schema, required: bool) -> str:
    """Return a field with its docstring; one that an answer may lack has the default of the contract, or None."""
    default = {"[]": "Field(default_factory=list)", "{}": "Field(default_factory=dict)"}.get(text := repr(schema.get("default")), text)
    line = f"    {name}: {render_type(schema)}" + ("" if required else f" = {default}")
    return line + (f"\n{render_docstring(schema['description'], 4)}\n" if "description" in schema else "")


def render_type(schema: Schema) -> str:
    """Return the annotation of a schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return render_union([render_type(option) for option in schema["anyOf"]])
    if "oneOf" in schema:
        union = " | ".join(render_type(option) for option in schema["oneOf"])
        return f'Annotated[{union}, Field(discriminator="{schema["discriminator"]["propertyName"]}")]'
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    return render_plain_type(schema)


def render_union(options: list[str]) -> str:
    """Return the union of annotations: all literals in one, None last."""
    literals = [option.removeprefix("Literal[").removesuffix("]") for option in options if option.startswith("Literal[")]
    others = sorted((option for option in options if not option.startswith("Literal[")), key=lambda text: text == "None")
    return " | ".join([*([f"Literal[{', '.join(literals)}]"] if literals else []), *others])


def render_plain_type(schema: Schema) -> str:
    """Return the annotation of a schema without alternatives."""
    match schema["type"]:
        case "array":
            return f"list[{render_type(schema['items'])}]"
        case "object":
            values = schema.get("additionalProperties", True)
            return f"dict[str, {'Any' if values is True else render_type(values)}]"
        case "string":
            return "AwareDatetime" if schema.get("format") == "date-time" else "str"
        case kind:
            return {"number": "float", "integer": "int", "boolean": "bool", "null": "None"}[kind]


def render_docstring(text: str, indent: int) -> str:
    """Return a docstring in Python's words: on one line if it fits, else wrapped."""
    plain = re.sub(r"\bnull\b", "None", re.sub(r"\s+", " ", text).strip())
    symbols = re.match(r"[a-z]{1,2}, ", plain)  # those of a tensor, for instance, keep their case
    plain = (plain if symbols else plain[0].upper() + plain[1:]).replace("\\", "\\\\")
    plain = plain if plain.endswith((".", "?")) else plain + "."
    margin = " " * indent
    if len(plain) + indent + 6 <= WIDTH:
        return f'{margin}"""{plain}"""'
    wrapped = textwrap.fill(plain, WIDTH - indent, break_on_hyphens=False, break_long_words=False)
    return textwrap.indent(f'"""\n{wrapped}\n"""', margin)


def main() -> None:
    """Write the models into the package."""
    TARGET.write_text(render_models(json.loads((ROOT / "openapi.json").read_text())))


if __name__ == "__main__":
    main()
