"""Web page, API reference, and their static files; everything is served from this host."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

WEB: Final = Path(__file__).resolve().parent.parent / "web"
EXAMPLES: Final = WEB.parent / "demo_bundles"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def read_page() -> FileResponse:
    """Return the page on which a bundle is submitted and its result is shown."""
    return FileResponse(WEB / "index.html")


@router.get("/docs")
async def read_docs() -> FileResponse:
    """Return the API reference (Swagger UI)."""
    return FileResponse(WEB / "docs.html")


def mount_files(app: FastAPI) -> None:
    """Mount the static files of the page, the bundles of its examples, and the files of Swagger UI from its wheel."""
    app.mount("/static", StaticFiles(directory=WEB / "static"), name="static")
    app.mount("/examples", StaticFiles(directory=EXAMPLES), name="examples")
    app.mount("/swagger", StaticFiles(packages=[("fastapi_offline", "static")]), name="swagger")
