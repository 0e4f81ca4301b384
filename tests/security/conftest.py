"""Hostile bundles, and the real service's parts to send them to."""

from pathlib import Path

import pytest

from tests.support import hostile_bundles


@pytest.fixture(scope="session")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a pickle in the corpus would create."""
    return tmp_path_factory.mktemp("trap") / "ran"


@pytest.fixture(scope="session")
def bundles(trap: Path) -> dict:
    """Every hostile bundle, by what it is."""
    return hostile_bundles.hostile(str(trap))
