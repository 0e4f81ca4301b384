"""
OpenAPI description of the submission endpoints.

Their bodies are read as a stream, so FastAPI cannot derive parameters and body from the signature of the route.
"""

from collections.abc import Iterable
from typing import Any, Final

from app.schemas import PROBLEM_RESPONSE, Job
from app.uploads.options import FIELDS, RAW_NAME
from app.uploads.sniffing import MEDIA_TYPES
from workers.contracts import JobKind, Options

_EVENT_FIELDS: Final = ("latitude", "longitude", "starttime", "endtime")
_COMMON_FIELDS: Final = ("seed", "callback_url", "model_version")
_BINARY: Final = {"type": "string", "format": "binary"}
_BUNDLE_DESCRIPTION: Final = (
    "Waveforms (miniSEED 2 or 3, SAC) and station metadata (StationXML, `stations.csv` with "
    "`network,station,latitude,longitude,elevation`, FDSN station text, dataless SEED, RESP, SAC poles and zeros, SeisComP XML), "
    "or a `.zip`, `.tar` or `.tar.gz` of those; may be repeated."
)
_HEADERS: Final = (
    ("Prefer", "`wait=N`: wait up to N seconds for the job to end; `respond-async`: answer at once (the default).", "wait=30"),
    (
        "Idempotency-Key",
        "Makes a submission safe to repeat: a repetition with the same key gets the same job instead of a second one.",
        None,
    ),
)
_ERROR_STATUSES: Final = (400, 401, 403, 408, 409, 413, 415, 422, 429, 503)


def fields_of(kind: JobKind) -> tuple[str, ...]:
    """Return the options that apply to a kind of job, in the order of the contract."""
    own: tuple[str, ...] = {JobKind.CLASSIFY: (), JobKind.LOCATE: ("event_type", "many"), JobKind.CLUSTER: ("k_min", "k_max", "fine_tune")}[
        kind
    ]
    applicable = {*_COMMON_FIELDS, *own, *(() if kind is JobKind.CLUSTER else _EVENT_FIELDS)}
    return tuple(name for name in FIELDS if name in applicable)


def describe_submission(kind: JobKind) -> dict[str, Any]:
    """Return parameters and request body of a submission endpoint, as the `openapi_extra` of its route."""
    schemas = Options.model_json_schema()["properties"]
    options = {name: schemas[name] for name in fields_of(kind)}
    return {
        "parameters": [*_headers(), *_query_parameters(options)],
        "requestBody": {"required": True, "description": _BUNDLE_DESCRIPTION, "content": _body_content(options)},
    }


def submission_responses() -> dict[int | str, dict[str, Any]]:
    """Return the responses of a submission endpoint by status: both successes and every error."""
    location = {
        "Location": {"description": "Path of the job", "schema": {"type": "string"}},
        "Preference-Applied": {"description": "The preference of `Prefer` that was applied", "schema": {"type": "string"}},
    }
    retry = {"Retry-After": {"description": "Seconds after which to read the job", "schema": {"type": "integer"}}}
    accepted = {"description": "Accepted; the job has not ended yet", "model": Job, "headers": {**location, **retry}}
    return {
        200: {"description": "The job, which ended within the wait", "model": Job, "headers": location},
        202: accepted,
        **dict.fromkeys(_ERROR_STATUSES, PROBLEM_RESPONSE),
    }


def _body_content(options: dict[str, Any]) -> dict[str, Any]:
    files = {"type": "array", "items": _BINARY, "description": _BUNDLE_DESCRIPTION}
    fields = {name: _form_schema(schema) for name, schema in options.items()}
    form = {"type": "object", "required": ["bundle"], "properties": {"bundle": files, **fields}}
    return {"multipart/form-data": {"schema": form}, **{media_type: {"schema": _BINARY} for media_type in MEDIA_TYPES}}


def _headers() -> Iterable[dict[str, Any]]:
    for name, text, example in _HEADERS:
        schema = {"type": "string"} | ({} if example is None else {"examples": [example]})
        yield {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _query_parameters(options: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, schema in options.items():
        # Without the default: a tool that fills it in would send it in addition to the form field.
        plain = {key: value for key, value in _value_schema(schema).items() if key not in ("default", "description", "title")}
        text = "Same as the form field, which takes precedence."
        yield {"name": name, "in": "query", "required": False, "description": text, "schema": plain}
    text = "File name of a raw body, with its suffix; names the event in a clustering."
    yield {"name": RAW_NAME, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}


def _form_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """
    Return the schema of an option as a form sends it: an option that is not given is an empty string, not null.

    The empty example keeps tools from filling in a number.
    """
    annotations = {name: schema[name] for name in ("description", "default") if schema.get(name) is not None}
    value = _value_schema(schema)
    if "anyOf" not in schema:
        return {name: content for name, content in value.items() if name != "title"}
    if "enum" in value:
        return {"type": "string", "enum": ["", *value["enum"]], **annotations}
    return {"anyOf": [value, {"type": "string", "maxLength": 0}], "examples": [""], **annotations}


def _value_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an option that is given: without the null alternative."""
    schemas: list[dict[str, Any]] = [alternative for alternative in schema.get("anyOf", []) if alternative.get("type") != "null"]
    return schemas[0] if schemas else schema
