"""Settings of training (folders, processes), the recipes in training/configs, and the commit in use."""

import subprocess
import tomllib
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

RECIPES = Path(__file__).parent / "configs"
# Pools start new interpreters: a fork after torch has run inherits locks that its threads hold.
SPAWN = get_context("spawn")


def check_preset(preset: str) -> str:
    """Return a preset, or "" for none; raises ValueError where training/configs has no folder of that name."""
    if preset and not (RECIPES / preset).is_dir():
        raise ValueError(f"no preset {preset!r}: training/configs has no folder of that name")
    return preset


class TrainingSettings(BaseSettings):
    """Settings, read from environment variables with the prefix ATLAS_TRAINING_."""

    model_config = SettingsConfigDict(env_prefix="ATLAS_TRAINING_", extra="ignore")

    data_dir: Path | None = Field(None, description="folder with catalogs/, stations/, noise/; else stated distributions and our stations")
    build_dir: Path = Field(Path("build"), description="folder of stores, data sets and checkpoints")
    artifacts_dir: Path = Field(Path("models/artifacts"), description="folder that exported models are written to")
    preset: Annotated[str, AfterValidator(check_preset)] = Field(
        "", description="folder of training/configs whose recipes change the common ones, as `gpu` does; by default none"
    )
    processes: int = Field(2, ge=1, description="processes for Green's functions and synthesis, threads for training")


def _merge(common: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Merge changes into common values, tables recursively."""
    merged = {
        name: _merge(common[name], value) if isinstance(value, dict) and isinstance(common.get(name), dict) else value
        for name, value in changes.items()
    }
    return common | merged


def load_recipe[Recipe: BaseModel](name: str, kind: type[Recipe], preset: str | None = None) -> Recipe:
    """
    Load the recipe training/configs/<name>.toml as a model of that kind, with the changes of <preset>/<name>.toml, if it exists.

    By default the preset is the settings' (ATLAS_TRAINING_PRESET). Raises FileNotFoundError for a recipe that does not exist, and
    ValueError for such a preset.
    """
    preset = TrainingSettings().preset if preset is None else check_preset(preset)
    changes = RECIPES / preset / f"{name}.toml"
    content = tomllib.loads((RECIPES / f"{name}.toml").read_text())
    return kind.model_validate(_merge(content, tomllib.loads(changes.read_text())) if preset and changes.is_file() else content)


def read_commit() -> str:
    """Read the commit of the working tree, followed by a plus where files have changed."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
    changed = subprocess.run(["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
    return f"{head or 'unknown'}{'+' if changed else ''}"
