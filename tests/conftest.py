"""Fixtures for all tests. Helper modules are in `tests.support` and are imported by name."""

from pathlib import Path

import pytest

from tests.support import toy_models


@pytest.fixture(scope="session")
def toy_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write toy models for every declared model into a folder of artifacts, once a session; read it, do not write into it."""
    return toy_models.write_artifacts(tmp_path_factory.mktemp("artifacts"))
