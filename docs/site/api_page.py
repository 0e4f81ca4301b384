"""The reference of the HTTP interface as a Markdown page, written from the OpenAPI description."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_INTRODUCTION = """\
Written from `openapi.json`, which a running service has at `/openapi.json`, and shows at `/docs`. How to call it:
[send bundles](../how-to/send_bundles.md). All errors: [problems](problems.md). New members may be added to any object: ignore what you do
not know.
"""


def write_api_page(specification: Json) -> str:
    """Write the page: operations in the order of their tags, then every object with its members."""
    lines = [f"# HTTP API, version {specification['info']['version']}", "", specification["info"]["description"], "", _INTRODUCTION]
    for tag in specification["tags"]:
        lines += [f"## {tag['name']}", "", tag["description"], ""]
        for path, method, operation in _operations(specification, tag["name"]):
            lines += _describe_operation(path, method, operation)
    lines += ["## Objects", ""]
    for name, schema in sorted(specification["components"]["schemas"].items()):
        lines += _describe_object(name, schema)
    return "\n".join(lines) + "\n"


def _operations(specification: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in specification["paths"].items():
        for method, operation in methods.items():
            if tag in operation.get("tags", []):
                yield path, method.upper(), operation


def _describe_operation(path: str, method: str, operation: Json) -> list[str]:
    lines = [f"### {operation['summary']}", "", f"`{method} {path}`", "", operation.get("description", ""), ""]
    form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data", {}).get("schema", {}).get("properties", {})
    repeated = {name for name in form if name != "bundle"}
    rows = [_row(name, field, "form or query" if name in repeated else "form") for name, field in form.items()]
    for parameter in operation.get("parameters", []):
        if parameter["name"] not in repeated:
            where = parameter["in"] + (", required" if parameter.get("required") else "")
            rows.append(_row(parameter["name"], {"description": parameter.get("description", ""), **parameter["schema"]}, where))
    if rows:
        lines += ["| parameter | in | type | meaning |", "| --- | --- | --- | --- |", *rows, ""]
    if raw := [media for media in operation.get("requestBody", {}).get("content", {}) if media != "multipart/form-data"]:
        lines += [f"A raw body is accepted as a bundle of one part: {', '.join(f'`{media}`' for media in raw)}.", ""]
    return [*lines, "| status | answer |", "| --- | --- |", *_responses(operation), ""]


def _responses(operation: Json) -> list[str]:
    """One row for each success, and one for all errors together."""
    rows, errors = [], []
    for status, response in sorted(operation["responses"].items()):
        content = response.get("content", {})
        if "application/problem+json" in content:
            errors.append(status)
            continue
        bodies = [_type(body["schema"]) if body.get("schema") else f"`{media}`" for media, body in content.items()]
        rows.append(f"| {status} | {_cell(response['description'])}{': ' if bodies else ''}{', '.join(bodies)} |")
    return [*rows, f"| {', '.join(errors)} | [Problem](#problem) |"] if errors else rows


def _describe_object(name: str, schema: Json) -> list[str]:
    lines = [f"### {name}", "", schema.get("description", ""), ""]
    if "enum" in schema:
        return [*lines, ", ".join(f"`{value}`" for value in schema["enum"]), ""]
    rows = [f"| `{field}` | {_type(inner)} | {_cell(inner.get('description', ''))} |" for field, inner in schema["properties"].items()]
    return [*lines, "| member | type | meaning |", "| --- | --- | --- |", *rows, ""]


def _row(name: str, schema: Json, where: str) -> str:
    return f"| `{name}` | {where} | {_type(schema)} | {_cell(schema.get('description', ''))} |"


def _type(schema: Json) -> str:
    """Name the type of a value in a few words, with a link where it is an object."""
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(alternative) for alternative in alternatives if alternative.get("maxLength") != 0))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"] if value != "")
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return {"date-time": "time", "binary": "file"}.get(schema.get("format", ""), schema.get("type", "any"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
