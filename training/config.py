"""Settings of training: where data and results lie, the recipes in training/configs, and the commit they are used at."""

import subprocess
import tomllib
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

RECIPES = Path(__file__).parent / "configs"
# Never fork after torch has run (its threads' locks stay held in the child): new interpreters for every pool.
SPAWN = get_context("spawn")


class TrainingSettings(BaseSettings):
    """Read from the environment with the prefix ATLAS_TRAINING_."""

    model_config = SettingsConfigDict(env_prefix="ATLAS_TRAINING_", extra="ignore")

    data_dir: Path | None = Field(
        None, description="folder with catalogs/, stations/ and noise/; none: stated distributions and the own station table"
    )
    build_dir: Path = Field(Path("build"), description="folder of stores, data sets and checkpoints")
    artifacts_dir: Path = Field(Path("models/artifacts"), description="folder that exported models are written to")
    preset: str = Field("", description="folder of training/configs whose recipes change values of the common ones: `gpu`, or none")
    processes: int = Field(2, ge=1, description="processes for Green's functions and synthesis, threads for training")


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def _changed(common: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The common values with the changed ones in their place; tables within are merged alike."""
    merged = {
        name: _changed(common[name], value) if isinstance(value, dict) and isinstance(common.get(name), dict) else value
        for name, value in changes.items()
    }
    return common | merged


def load_recipe[Recipe: BaseModel](name: str, kind: type[Recipe], preset: str | None = None) -> Recipe:
    """
    The recipe training/configs/<name>.toml as that kind, with what <preset>/<name>.toml says otherwise, if there is one.

    Without a preset, the settings' (ATLAS_TRAINING_PRESET). Raises FileNotFoundError for a recipe or preset that is not there.
    """
    preset = TrainingSettings().preset if preset is None else preset
    if preset and not (RECIPES / preset).is_dir():
        raise FileNotFoundError(f"no preset {preset!r} in training/configs")
    own = RECIPES / preset / f"{name}.toml"
    content = _read(RECIPES / f"{name}.toml")
    return kind.model_validate(_changed(content, _read(own)) if preset and own.is_file() else content)


def read_commit() -> str:
    """Commit of the working tree, with a plus where it is changed."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
    changed = subprocess.run(["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
    return f"{head or 'unknown'}{'+' if changed else ''}"
