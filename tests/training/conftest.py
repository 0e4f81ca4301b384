"""A 50 s Green's function store, computed once for all tests of training in all processes (three seconds on two free cores)."""

import fcntl
import os
from pathlib import Path

import pytest

from training.config import TrainingSettings, load_recipe
from training.earth import greens

STORE = load_recipe("greens_50s", greens.GreensConfig).model_copy(update={"tolerance": 1e-3})
"""Integrated less exactly than the recipe has it, in 6 of 10 seconds: tables differ by 0.1 % of their maximum."""


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder of this process with the store `greens_50s` in it; processes of pytest-xdist compute it once, and others wait."""
    folder: Path = tmp_path_factory.mktemp("build")
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with (shared / "greens.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        greens.build_store(STORE, shared / "greens_50s", threads=2)
    (folder / "greens").mkdir()
    (folder / "greens" / "greens_50s").symlink_to(shared / "greens_50s")
    return folder


@pytest.fixture(scope="session")
def store(build_dir: Path) -> greens.GreensStore:
    """The loaded store."""
    return greens.load_store(build_dir / "greens" / "greens_50s")


@pytest.fixture
def settings(build_dir: Path, toy_artifacts: Path) -> TrainingSettings:
    """Settings without a data folder: distributions stated in the code, toy models, one process."""
    return TrainingSettings(data_dir=None, build_dir=build_dir, artifacts_dir=toy_artifacts, processes=1)
