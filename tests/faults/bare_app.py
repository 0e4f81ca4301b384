"""The application alone, for other servers than that of `python -m app`: `tests.faults.bare_app:create`."""

from fastapi import FastAPI

from app.main import create_app
from workers.settings import Settings


def create() -> FastAPI:
    """Create the application with settings from the environment."""
    return create_app(Settings())
