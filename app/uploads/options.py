"""Read the options of a submission from form fields and query parameters."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from starlette.datastructures import QueryParams

from app.errors import MalformedRequest, validation_message
from workers.contracts import Options

FIELDS: Final = tuple(Options.model_fields)
RAW_NAME: Final = "name"
"""Query parameter that names a raw body."""


def read_options(query: Mapping[str, str], fields: Mapping[str, str]) -> Options:
    """
    Validate the options of a submission; raises MalformedRequest.

    A form field takes precedence over a query parameter; an empty value counts as not given.
    """
    given = {**query, **fields}
    try:
        options = Options.model_validate({name: value for name, value in given.items() if value.strip() != ""})
    except ValidationError as error:
        raise MalformedRequest(validation_message(error.errors())) from error
    _check_combinations(options)
    return options


def query_fields(query: QueryParams) -> dict[str, str]:
    """Return the query parameters that are options; raises MalformedRequest for an unknown or repeated one."""
    for name in query:
        if name not in (*FIELDS, RAW_NAME):
            raise MalformedRequest(f"unknown query parameter {name[:40]!r}; known parameters: {', '.join((*FIELDS, RAW_NAME))}")
        if len(query.getlist(name)) > 1:
            raise MalformedRequest(f"the query parameter {name} is given twice")
    return {name: value for name, value in query.items() if name != RAW_NAME}


def _check_combinations(options: Options) -> None:
    if (options.latitude is None) != (options.longitude is None):
        raise MalformedRequest("a trial epicenter needs both latitude and longitude; only one of them is given")
    if options.starttime is not None and options.endtime is not None and options.starttime >= options.endtime:
        raise MalformedRequest(f"starttime ({options.starttime}) is not before endtime ({options.endtime})")
    if options.k_min > options.k_max:
        raise MalformedRequest(f"k_min ({options.k_min}) is larger than k_max ({options.k_max})")
