"""Fixtures for all tests. Helper modules are in `tests.support` and are imported by name."""

import atexit
import gc
import ssl
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.support import toy_models
from tests.support.long_files import LONG, TOGETHER, WAITING

TESTS = Path(__file__).parent
LONG_FILES = {TESTS / name for name in LONG}
YOUNG_OBJECTS = 20_000
"""Objects made before the garbage collector looks for cycles: its default, 700, takes a seventh of the time of the collection of tests."""

gc.disable()  # while modules are imported, of which nothing becomes garbage
atexit.register(gc.unfreeze)  # native libraries report at the end what was not searched


def pytest_collection_finish() -> None:
    """Enable the garbage collector, but leave the imported modules out: each full search of their million objects takes half a second."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()


def pytest_configure() -> None:
    """
    Log errors with plain tracebacks, and read certificates once.

    Tracebacks of structlog draw all local values, which takes ten seconds an error. Each client of httpx reads the certificates of all
    authorities anew, in 20 ms, and no test uses TLS.
    """
    ssl.create_default_context = cache(ssl.create_default_context)
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Run files that start services, compute or train first, the longest timeout at the head, then `LONG`, so that short ones fill the end.

    One long file at the end would run alone. One file of the folders that wait comes with two of those that compute, so that three
    processes keep two cores busy.
    """
    ranks: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("timeout")
        lowest = 0.5 if item.path in LONG_FILES else 0.0
        slow = item.get_closest_marker("slow") is not None
        ranks[item.path] = max(ranks.get(item.path, lowest), marker.args[0] if marker else 0.0, float(slow))
    waiting, computing = [], []
    for path in sorted(ranks, key=lambda path: -ranks[path]):
        (waiting if path.relative_to(TESTS).parts[0] in WAITING else computing).append(path)
    places = {path: 3.0 * number for number, path in enumerate(waiting)}
    places |= {path: 1.5 * number + 0.5 for number, path in enumerate(computing)}
    items.sort(key=lambda item: places[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """Run the files of `TOGETHER` in one process, as each other file, with `--dist loadfile`."""
    if config.getvalue("dist") != "loadfile":
        return None
    together = {f"tests/{name}" for name in TOGETHER}
    scheduling = import_module("xdist.scheduler").LoadFileScheduling(config, log)
    split = scheduling._split_scope
    scheduling._split_scope = lambda nodeid: "together" if split(nodeid) in together else split(nodeid)
    return scheduling


@pytest.fixture(scope="session")
def toy_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write toy models for every declared model into a folder of artifacts, once a session; read it, do not write into it."""
    return toy_models.write_artifacts(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="session")
def shared_onnx_registry() -> Iterator[None]:
    """Make torch's table of ONNX operators once a process: for each conversion anew, it takes a quarter of the time of a small network."""
    registry = import_module("torch.onnx._internal.exporter._registration").ONNXRegistry
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "from_torchlib", staticmethod(cache(registry.from_torchlib)))
        yield
