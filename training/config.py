"""Settings of training: where data and results lie, the recipes in training/configs, and the commit they are used at."""

import subprocess
import tomllib
from multiprocessing import get_context
from pathlib import Path

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
    processes: int = Field(2, ge=1, description="processes for Green's functions and synthesis, threads for training")


def recipe[Recipe: BaseModel](name: str, kind: type[Recipe]) -> Recipe:
    """The recipe training/configs/<name>.toml as that kind; raises FileNotFoundError for a name that is not there."""
    return kind.model_validate(tomllib.loads((RECIPES / f"{name}.toml").read_text()))


def commit() -> str:
    """Commit of the working tree, with a plus where it is changed."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
    changed = subprocess.run(["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
    return f"{head or 'unknown'}{'+' if changed else ''}"
