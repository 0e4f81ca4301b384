"""What people look at: the page, the documentation, and the files that both need; nothing comes from elsewhere."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

WEB: Final = Path(__file__).resolve().parent.parent / "web"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def read_page() -> FileResponse:
    """Send a bundle and read the answer."""
    return FileResponse(WEB / "index.html")


@router.get("/docs")
async def read_docs() -> FileResponse:
    """The reference, by Swagger UI."""
    return FileResponse(WEB / "docs.html")


def mount_files(app: FastAPI) -> None:
    """Our own files, and Swagger UI's from its wheel."""
    app.mount("/static", StaticFiles(directory=WEB / "static"), name="static")
    app.mount("/swagger", StaticFiles(packages=[("fastapi_offline", "static")]), name="swagger")
