"""The FastAPI application: routes, middleware, error handlers and the OpenAPI document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from app.dependencies import open_service
from app.errors import install_error_handlers
from app.middleware.head import HeadMiddleware
from app.middleware.metrics import Metrics
from app.middleware.request_log import RequestMiddleware
from app.routes import anomalies, callbacks, events, fdsn_event, health, jobs, models, pages, problems
from app.uploads.body_limit import BodyLimit
from workers.settings import Settings

VERSION: Final = "0.1.0"
MIN_COMPRESSED_BYTES: Final = 1024
COMPRESSION_LEVEL: Final = 5
_DESCRIPTION: Final = """\
Submit a bundle (miniSEED or SAC, with StationXML or another format of station metadata, as files or as an archive), receive a job,
and read its result when it has finished. Errors are `application/problem+json` (RFC 9457) with a stable `type`.
"""
_TAGS: Final = (
    {"name": "Events", "description": "Classify or locate one event."},
    {"name": "Anomalies", "description": "Cluster many events by similarity."},
    {"name": "Jobs", "description": "Follow and cancel jobs; read their results and figures."},
    {"name": "Models", "description": "Cards of the models: training data, scores, limitations."},
    {"name": "Problems", "description": "What the `type` of a problem means."},
    {"name": "Health", "description": "Liveness, readiness and metrics, for operators."},
)


class Atlas(FastAPI):
    """FastAPI whose OpenAPI document states a malformed request as the problem with status 400 that it is here, and is valid in 3.1."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            for operation in (operation for path in document["paths"].values() for operation in path.values()):
                _remove_validation_response(operation["responses"])
                _describe_streams(operation["responses"])
            for name in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(name, None)
        return super().openapi()


def _remove_validation_response(responses: dict[str, Any]) -> None:
    """Remove the 422 response that FastAPI adds for its own validation errors."""
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]


def _describe_streams(responses: dict[str, Any]) -> None:
    """State a stream of events as text: FastAPI describes its items by `itemSchema`, which OpenAPI has from 3.2 on only."""
    for media in (media for response in responses.values() for media in response.get("content", {}).values()):
        if media.pop("itemSchema", None) is not None:
            media["schema"] = {"type": "string"}


def operation_id(route: APIRoute) -> str:
    """Return the name of a route (by default that of its function) as OpenAPI operation id, from which clients are generated."""
    return route.name


def _limit_bodies(settings: Settings) -> Middleware:
    return Middleware(BodyLimit, settings.max_body_bytes, settings.max_body_s, settings.max_pause_s, settings.max_head_lines)


def _list_middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    """List the middleware from the outermost inward."""
    origins = [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]
    cross_origin = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "HEAD", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Prefer", "X-API-Key", "X-Request-ID"],
        expose_headers=["ETag", "Location", "Preference-Applied", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"],
        max_age=600,
    )
    return [
        Middleware(RequestMiddleware, metrics=metrics),
        *([cross_origin] if origins else []),
        Middleware(HeadMiddleware),
        Middleware(GZipMiddleware, minimum_size=MIN_COMPRESSED_BYTES, compresslevel=COMPRESSION_LEVEL),
        _limit_bodies(settings),
    ]


def create_app(settings: Settings) -> FastAPI:
    """Create the application; its service is opened when it starts and closed when it ends."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_service(settings) as service:
            app.state.service = service
            yield

    app = Atlas(
        title="Seismic Atlas",
        summary="Classify, locate and cluster seismic events from their seismograms.",
        description=_DESCRIPTION,
        version=VERSION,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=[dict(tag) for tag in _TAGS],
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
        lifespan=lifespan,
        middleware=_list_middleware(settings, metrics),
    )
    app.state.metrics = metrics
    install_error_handlers(app)
    for resource in (events, anomalies, jobs, callbacks, models, problems, health, fdsn_event, pages):
        app.include_router(resource.router)
    pages.mount_files(app)
    return app
