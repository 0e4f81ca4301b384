"""Fixtures of the security tests: hostile bundles."""

from pathlib import Path

import pytest

from tests.support import hostile_bundles


@pytest.fixture(scope="session")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that a pickle among the bundles would create if it were run."""
    return tmp_path_factory.mktemp("trap") / "ran"


@pytest.fixture(scope="session")
def bundles(trap: Path) -> dict:
    """All hostile bundles by name."""
    return hostile_bundles.hostile(str(trap))
