"""Fixtures for all rooms."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def loaded() -> Callable[[Path], ModuleType]:
    """Path to the module in that file: there is no package of tests to import it from."""

    def module_of(path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return module_of


@pytest.fixture(scope="session")
def toy_models(loaded: Callable[[Path], ModuleType]) -> ModuleType:
    """The module tests/toy_models.py."""
    return loaded(HERE / "toy_models.py")


@pytest.fixture(scope="session")
def toy_artifacts(tmp_path_factory: pytest.TempPathFactory, toy_models: ModuleType) -> Path:
    """A folder of artifacts that keeps every declared promise with toy models; read it, do not write into it."""
    folder: Path = toy_models.write_artifacts(tmp_path_factory.mktemp("artifacts"))
    return folder


@pytest.fixture(scope="session")
def recordings(loaded: Callable[[Path], ModuleType]) -> ModuleType:
    """The module tests/recordings.py: synthetic recordings as the bytes of files."""
    return loaded(HERE / "recordings.py")
