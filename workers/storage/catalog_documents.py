"""Joining of QuakeML documents that this service wrote: events are cut out of one document and put into another."""

import re
from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import quoteattr

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" '
    'xmlns="http://quakeml.org/xmlns/bed/1.2"><eventParameters publicID={}>\n'
)
_FOOT: Final = "</eventParameters></q:quakeml>\n"
_EVENT: Final = re.compile(r'<event publicID="(?P<id>[^"]*)".*?</event>', re.DOTALL)


def cut_events(document: bytes) -> dict[str, str]:
    """Cut the events out of a document of `workers.exports.quakeml`, whose elements have the default namespace, by public id."""
    return {found["id"]: found.group() for found in _EVENT.finditer(document.decode())}


def join_events(events: Iterable[str], public_id: str) -> bytes:
    """Join events to one QuakeML 1.2 document."""
    return "".join([_HEAD.format(quoteattr(public_id)), *(f"{event}\n" for event in events), _FOOT]).encode()


def event_public_id(event_id: str) -> str:
    """Return the public id of an event: that of its job, or of a job and the event's name there."""
    return f"smi:local/seismic-atlas/{event_id}/event"
