"""Hostile bundles, and the real service's parts to send them to."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def corpus(loaded: Callable[[Path], ModuleType]) -> ModuleType:
    """The module corpus.py beside this one."""
    return loaded(Path(__file__).with_name("corpus.py"))


@pytest.fixture(scope="session")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a pickle in the corpus would create."""
    return tmp_path_factory.mktemp("trap") / "ran"


@pytest.fixture(scope="session")
def bundles(corpus: ModuleType, recordings: ModuleType, trap: Path) -> dict:
    """Every hostile bundle, by what it is."""
    return corpus.hostile(recordings, str(trap))
