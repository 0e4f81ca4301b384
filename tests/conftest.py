"""Fixtures for all rooms."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def toy_models() -> ModuleType:
    """The module tests/toy_models.py, loaded by its place: there is no package of tests to import it from."""
    spec = importlib.util.spec_from_file_location("toy_models", Path(__file__).with_name("toy_models.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def toy_artifacts(tmp_path_factory: pytest.TempPathFactory, toy_models: ModuleType) -> Path:
    """A folder of artifacts that keeps every declared promise with toy models; read it, do not write into it."""
    folder: Path = toy_models.write_artifacts(tmp_path_factory.mktemp("artifacts"))
    return folder


@pytest.fixture(scope="session")
def recordings() -> ModuleType:
    """The module tests/recordings.py: synthetic recordings as the bytes of files."""
    spec = importlib.util.spec_from_file_location("recordings", Path(__file__).with_name("recordings.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
