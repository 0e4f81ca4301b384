"""Web page, API reference, and their static files; everything is served from this host."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

WEB: Final = Path(__file__).resolve().parent.parent / "web"
EXAMPLES: Final = WEB.parent / "demo_bundles"
_ALWAYS_ASK: Final = {"Cache-Control": "no-cache"}
"""Browsers ask whether a file has changed, so that the modules of two releases are never mixed."""

router = APIRouter(include_in_schema=False)


@router.get("/")
async def read_page() -> FileResponse:
    """Return the page on which a bundle is submitted and its result is shown."""
    return FileResponse(WEB / "index.html", headers=_ALWAYS_ASK)


@router.get("/docs")
async def read_docs() -> FileResponse:
    """Return the API reference (Swagger UI)."""
    return FileResponse(WEB / "docs.html", headers=_ALWAYS_ASK)


class PageFiles(StaticFiles):
    """Static files that browsers keep, and ask about before every use."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, or 304 where the browser has it."""
        response = await super().get_response(path, scope)
        response.headers.update(_ALWAYS_ASK)
        return response


def mount_files(app: FastAPI) -> None:
    """Mount the static files of the page, the bundles of its examples, and the files of Swagger UI from its wheel."""
    app.mount("/static", PageFiles(directory=WEB / "static"), name="static")
    app.mount("/examples", PageFiles(directory=EXAMPLES), name="examples")
    app.mount("/swagger", StaticFiles(packages=[("fastapi_offline", "static")]), name="swagger")
