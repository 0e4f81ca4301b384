"""Options of submissions, by the names of the contract, and how they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict, get_type_hints

Time = datetime | str | Any
"""A time: a datetime (without a zone in UTC), text in ISO 8601, or a UTCDateTime of ObsPy."""


class _Options(TypedDict, total=False):
    seed: int
    """Seed of all random numbers; the same seed gives the same result."""
    callback_url: str
    """Address that is sent a signed message when the job has ended."""
    model_version: str
    """Versions that the models must have, as in `event_type=5,offset=9`; the job fails otherwise."""
    idempotency_key: str
    """Key under which a repeated submission gets the job of the first one; without it the client makes one for its own retries."""


class ClassifyOptions(_Options, total=False):
    """Options of `classify`."""

    latitude: float
    """Latitude of a trial epicenter in degrees; without it the service predicts one."""
    longitude: float
    """Longitude of a trial epicenter in degrees."""
    starttime: Time
    """Time from which samples are read; cuts files of whole days."""
    endtime: Time
    """Time up to which samples are read."""


class LocateOptions(ClassifyOptions, total=False):
    """Options of `locate` and `locate_many`."""

    event_type: Literal["earthquake", "glacial"]
    """Use this class instead of classifying the event."""


class ClusterOptions(_Options, total=False):
    """Options of `cluster`."""

    k_min: int
    """Minimum number of families considered; 2 by default."""
    k_max: int
    """Maximum number of families considered; 12 by default."""
    fine_tune: bool
    """Train DeepCluster on the uploaded events, where the service offers it."""


def write_fields(options: Mapping[str, Any], known: type) -> dict[str, str]:
    """Return options as form fields; None counts as not given. Raises TypeError for a name that `known`, a TypedDict, lacks."""
    names = known_options(known)
    unknown = sorted(set(options) - names)
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}; the options are {', '.join(sorted(names))}")
    return {name: write_value(value) for name, value in options.items() if value is not None and name != "idempotency_key"}


def known_options(known: type) -> frozenset[str]:
    """Return the names of the options of a TypedDict."""
    return frozenset(get_type_hints(known))


def write_value(value: Any) -> str:  # noqa: ANN401 -- any option
    """Return a value as text: booleans as true and false, times in ISO 8601."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)
