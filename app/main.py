"""The application: routes, middleware and errors put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware import Middleware

from app import errors
from app.dependencies import open_service
from app.middleware.metrics import Metrics
from app.middleware.request_log import RequestMiddleware
from app.routes import anomalies, events, health, jobs, models, pages
from app.uploads.body_limit import BodyLimit
from workers.settings import Settings

VERSION: Final = "0.1.0"
_ABOUT: Final = """\
Send a bundle (miniSEED, StationXML, `stations.csv`, or an archive of those), get a job, follow it to its answer.
Errors are `application/problem+json` (RFC 9457) with a stable `type`.
"""
_TAGS: Final = (
    {"name": "Events", "description": "One event: what it was, and where."},
    {"name": "Anomalies", "description": "Many events: which belong together."},
    {"name": "Jobs", "description": "Follow, read, cancel."},
    {"name": "Models", "description": "What the answers rest on."},
    {"name": "Health", "description": "For whoever keeps the service running."},
)


class Atlas(FastAPI):
    """FastAPI that documents a malformed request as what it is here: a problem with status 400."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            for operation in (operation for path in document["paths"].values() for operation in path.values()):
                _without_fastapis_422(operation["responses"])
            for name in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(name, None)
        return super().openapi()


def _without_fastapis_422(responses: dict[str, Any]) -> None:
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]


def create_app(settings: Settings) -> FastAPI:
    """An application that opens what it needs when it starts, and closes it when it ends."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_service(settings) as service:
            app.state.service = service
            yield

    app = Atlas(
        title="Seismic Atlas",
        summary="Reads seismograms as pictures: what an event was, where it was, and which events belong together.",
        description=_ABOUT,
        version=VERSION,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=[dict(tag) for tag in _TAGS],
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=[Middleware(RequestMiddleware, metrics=metrics), Middleware(BodyLimit, settings.max_body_bytes, settings.max_body_s)],
    )
    app.state.metrics = metrics
    errors.install(app)
    for room in (events, anomalies, jobs, models, health, pages):
        app.include_router(room.router)
    pages.mount_files(app)
    return app
