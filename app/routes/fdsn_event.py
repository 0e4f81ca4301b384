"""Endpoints of fdsnws-event 1: query, version, catalogs, contributors, and the description that clients read."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from app.dependencies import ReaderDep, ServiceDep
from app.errors import MalformedRequest, NoEvents
from app.fdsn.event_catalog import Found, find_events, join_quakeml, write_text
from app.fdsn.event_query import FdsnQuery, read_query

router = APIRouter(prefix="/fdsnws/event/1", include_in_schema=False)

SPECIFICATION: Final = "1.2.6"
_XML: Final = "application/xml"
_TYPES: Final = {float: "xs:double", bool: "xs:boolean", int: "xs:int"}
_TIMES: Final = ("starttime", "endtime", "updatedafter")


def _read_query(request: Request) -> FdsnQuery:
    for name in request.query_params:
        if len(request.query_params.getlist(name)) > 1:
            raise MalformedRequest(f"the parameter {name} is given twice")
    return read_query(request.query_params)


@router.get("/query")
async def query_events(service: ServiceDep, owner: ReaderDep, query: Annotated[FdsnQuery, Depends(_read_query)]) -> Response:
    """Return the caller's finished locations as a catalog; status 204 (or 404, by `nodata`) where there are none."""

    def read() -> tuple[Found, bytes]:
        found = find_events(query, owner, service.job_index, service.blobs)
        return found, write_text(found) if query.format == "text" else join_quakeml(found, service.blobs)

    found, document = await service.store.run(read)
    if not found:
        if query.nodata == NoEvents.status:
            raise NoEvents("no finished location fulfills the conditions")
        return Response(status_code=204)
    return Response(document, media_type="text/plain" if query.format == "text" else _XML, headers={"Cache-Control": "no-store"})


@router.get("/version")
async def read_version() -> PlainTextResponse:
    """Return the version of the specification."""
    return PlainTextResponse(SPECIFICATION)


@router.get("/catalogs")
async def list_catalogs(service: ServiceDep) -> Response:
    """Return the one catalog of this service, named after its agency."""
    return Response(f"<Catalogs><Catalog>{service.settings.agency_id}</Catalog></Catalogs>", media_type=_XML)


@router.get("/contributors")
async def list_contributors(service: ServiceDep) -> Response:
    """Return the one contributor of this service, its agency."""
    return Response(f"<Contributors><Contributor>{service.settings.agency_id}</Contributor></Contributors>", media_type=_XML)


@router.get("/application.wadl")
async def read_description(request: Request) -> Response:
    """Return the parameters of a query in the Web Application Description Language, which clients such as ObsPy read first."""
    base = f"{str(request.base_url).rstrip('/')}/fdsnws/event/1/"
    parameters = "".join(
        f'<param name="{name}" style="query" type="{_describe_type(name, field.annotation)}"/>'
        for name, field in FdsnQuery.model_fields.items()
    )
    document = (
        '<?xml version="1.0" encoding="UTF-8"?><application xmlns="http://wadl.dev.java.net/2009/02" '
        f'xmlns:xs="http://www.w3.org/2001/XMLSchema"><resources base="{base}"><resource path="query"><method id="query" name="GET">'
        f"<request>{parameters}</request></method></resource>"
        + "".join(f'<resource path="{path}"><method name="GET"/></resource>' for path in ("version", "catalogs", "contributors"))
        + "</resources></application>"
    )
    return Response(document, media_type=_XML)


def _describe_type(name: str, annotation: object) -> str:
    if name in _TIMES:
        return "xs:dateTime"
    return next((described for kind, described in _TYPES.items() if kind.__name__ in str(annotation)), "xs:string")
