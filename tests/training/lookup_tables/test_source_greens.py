"""Tables that ship stay as they are; only Earth models that the card does not have are computed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.errors import DamagedArtifact
from models.registry.earth_tables import read_card
from models.seismic.source.greens_tables import DEPTHS_KM, DISTANCES_DEG, FORCES, STEP_S, STRAINS, TRANSVERSE, layout, load_tables
from training.config import TrainingSettings
from training.lookup_tables import source_greens

SHIPPED = Path(__file__).parents[3] / "models" / "artifacts" / "greens"


def write_series(deck, folder):
    """Series of an Earth model that the engine would compute: a ramp in each."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, components in (("", (STRAINS, FORCES)), ("transverse_", TRANSVERSE)):
        for count, name in ((components[0], "strains"), (components[1], "forces")):
            series = np.broadcast_to(np.arange(1.0, 673.0, dtype=np.float32), (len(DISTANCES_DEG), count, 672))
            for state in range(len(DEPTHS_KM) if name == "strains" else 1):
                np.save(folder / f"{kind}{name}{f'_{state:02d}' if name == 'strains' else ''}.npy", series)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Copies of the shipped tables, and an engine that computes ramps."""
    monkeypatch.setattr(source_greens, "compute_series", write_series)
    monkeypatch.setattr(source_greens, "compute_love_series", lambda *_: None)
    shutil.copytree(SHIPPED, tmp_path / "artifacts" / "greens")
    return TrainingSettings(build_dir=tmp_path / "build", artifacts_dir=tmp_path / "artifacts")


def test_tables_of_the_card_stay_and_others_are_computed(settings):
    target = next(settings.artifacts_dir.glob("greens/*"))
    before = read_card(target)
    kept = {name: dict(values) for name, values in before.model_dump().items() if isinstance(values, dict) and name != "engine"}
    del kept["sha256"]["continental"], kept["transverse_sha256"]["continental"], kept["commits"]["continental"]
    (target / "tables.json").write_text(before.model_copy(update=kept).model_dump_json())
    (target / "continental.npz").unlink()

    source_greens.write_source_tables(settings, tuple(before.sha256), target.name)

    after = read_card(target)
    assert set(after.sha256) == set(before.sha256)
    assert {name for name in after.sha256 if after.sha256[name] != before.sha256[name]} == {"continental"}
    assert [path.name for path in (settings.build_dir / "greens_serving").iterdir()] == ["continental"]
    tables = load_tables(target / "continental.npz", target / "continental-transverse.npz")
    first = int(layout()[0][40] / STEP_S)
    assert tables.read(np.array([40]), np.array([3]), STRAINS)[0, 0, 2, 5] / 1e20 == pytest.approx(first + 6.0, rel=0.02)


def test_tables_that_differ_from_their_card_are_refused(settings):
    target = next(settings.artifacts_dir.glob("greens/*"))
    (target / "continental-transverse.npz").write_bytes(b"other")

    with pytest.raises(DamagedArtifact, match="transverse"):
        source_greens.write_source_tables(settings, version=target.name)
