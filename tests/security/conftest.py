"""Hostile bundles, and the real service's parts to send them to."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def corpus() -> ModuleType:
    """The module corpus.py beside this one."""
    spec = importlib.util.spec_from_file_location("corpus", Path(__file__).with_name("corpus.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a pickle in the corpus would create."""
    return tmp_path_factory.mktemp("trap") / "ran"


@pytest.fixture(scope="session")
def bundles(corpus: ModuleType, recordings: ModuleType, trap: Path) -> dict:
    """Every hostile bundle, by what it is."""
    return corpus.hostile(recordings, str(trap))
