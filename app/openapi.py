"""How a submission is described in openapi.json; the body is read as a stream, so FastAPI cannot tell by itself."""

from collections.abc import Iterable
from typing import Any, Final

from app.schemas import PROBLEM_RESPONSE, Job
from app.uploads.options import FIELDS, RAW_NAME
from app.uploads.sniffing import MEDIA_TYPES
from workers.contracts import JobKind, Options

_EVENT_FIELDS: Final = ("latitude", "longitude", "seed")
_BINARY: Final = {"type": "string", "format": "binary"}
_BUNDLE_TEXT: Final = (
    "miniSEED 2 or 3, StationXML, `stations.csv` (`network,station,latitude,longitude,elevation`), "
    "or a `.zip`, `.tar`, `.tar.gz` of those; repeatable."
)
_HEADERS: Final = (
    ("Prefer", "`wait=N` holds the answer up to N seconds; `respond-async` does not wait.", "wait=30"),
    ("Idempotency-Key", "Makes a retry safe: the same key and the same submission get the same job.", None),
)
_REFUSALS: Final = (400, 401, 403, 408, 409, 413, 415, 422, 429, 503)


def fields_of(kind: JobKind) -> tuple[str, ...]:
    """The options that mean something to a kind of job, in the order of the contract."""
    own = {JobKind.CLASSIFY: (), JobKind.LOCATE: ("event_type",), JobKind.CLUSTER: ("k_min", "k_max", "fine_tune")}[kind]
    wanted = {*_EVENT_FIELDS, *own} if kind is not JobKind.CLUSTER else {*own, "seed"}
    return tuple(name for name in FIELDS if name in wanted)


def describe_submission(kind: JobKind) -> dict[str, Any]:
    """Parameters and request body of a submission."""
    schemas = Options.model_json_schema()["properties"]
    options = {name: schemas[name] for name in fields_of(kind)}
    return {
        "parameters": [*_headers(), *_query(options)],
        "requestBody": {"required": True, "description": _BUNDLE_TEXT, "content": _content(options)},
    }


def responses() -> dict[int | str, dict[str, Any]]:
    """Both successes and every refusal."""
    location = {
        "Location": {"description": "the job", "schema": {"type": "string"}},
        "Preference-Applied": {"description": "what of `Prefer` was honored", "schema": {"type": "string"}},
    }
    retry = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    accepted = {"description": "Accepted; follow `Location`", "model": Job, "headers": {**location, **retry}}
    return {
        200: {"description": "The job, ended within the wait", "model": Job, "headers": location},
        202: accepted,
        **dict.fromkeys(_REFUSALS, PROBLEM_RESPONSE),
    }


def _content(options: dict[str, Any]) -> dict[str, Any]:
    files = {"type": "array", "items": _BINARY, "description": _BUNDLE_TEXT}
    fields = {name: _form_schema(schema) for name, schema in options.items()}
    form = {"type": "object", "required": ["bundle"], "properties": {"bundle": files, **fields}}
    return {"multipart/form-data": {"schema": form}, **{media_type: {"schema": _BINARY} for media_type in MEDIA_TYPES}}


def _headers() -> Iterable[dict[str, Any]]:
    for name, text, example in _HEADERS:
        schema = {"type": "string"} | ({} if example is None else {"examples": [example]})
        yield {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _query(options: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, schema in options.items():
        # Without the default: a tool that fills it in would send it beside the form's, which wins.
        plain = {key: value for key, value in _value(schema).items() if key not in ("default", "description", "title")}
        yield {"name": name, "in": "query", "required": False, "description": "As the form field.", "schema": plain}
    text = "What a raw body is called, with its ending; a cluster's event is named after it."
    yield {"name": RAW_NAME, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}


def _form_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """As a form sends it: nothing is an empty value and not null. The example keeps tools from filling in a number."""
    said = {name: schema[name] for name in ("description", "default") if schema.get(name) is not None}
    value = _value(schema)
    if "anyOf" not in schema:
        return {name: part for name, part in value.items() if name != "title"}
    if "enum" in value:
        return {"type": "string", "enum": ["", *value["enum"]], **said}
    return {"anyOf": [value, {"type": "string", "maxLength": 0}], "examples": [""], **said}


def _value(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that is there."""
    kinds: list[dict[str, Any]] = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    return kinds[0] if kinds else schema
