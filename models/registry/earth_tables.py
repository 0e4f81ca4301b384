"""The tables of Green's functions in the folder of artifacts: `greens/<version>/` with one file an Earth model and a card of digests."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from models.errors import DamagedArtifact
from models.seismic.source.greens_tables import Crust, GreensTables, load_tables

FOLDER: Final = "greens"
CARD_FILE: Final = "tables.json"
TRANSVERSE_NAME: Final = "transverse"  # at the end of the names of files of transverse displacement
CRUSTS: Final[Mapping[str, Crust]] = MappingProxyType({"continental": "land", "oceanic": "sea"})  # of the Earth models that have one


class TablesCard(BaseModel):
    """Card of the tables: what they were computed with, and the SHA-256 of the files of each Earth model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    created_at: AwareDatetime
    commits: dict[str, str] = Field(default_factory=dict, description="commit of the code that computed them, by name of the Earth model")
    engine: dict[str, Any]
    sha256: dict[str, str] = Field(default_factory=dict, description="by name of the Earth model")
    transverse_sha256: dict[str, str] = Field(default_factory=dict, description="of the tables of transverse displacement, likewise")


def load_earths(artifacts: Path) -> Mapping[str, GreensTables]:
    """
    Verify and load the tables of all Earth models, of the newest version; an empty mapping where there are none.

    Raises DamagedArtifact for an invalid card, or a file that is missing, differs from its digest, or has another layout.
    """
    versions = sorted((path.parent for path in (artifacts / FOLDER).glob(f"*/{CARD_FILE}")), key=lambda folder: int(folder.name))
    if not versions:
        return MappingProxyType({})
    folder = versions[-1]
    card = read_card(folder)
    try:
        return MappingProxyType({name: _load_earth(folder, name, card) for name in card.sha256})
    except (OSError, ValueError, KeyError) as error:
        raise _report_damage(folder, error) from error


def read_card(folder: Path) -> TablesCard:
    """Read the card of a folder of tables; raises DamagedArtifact for an invalid one."""
    try:
        return TablesCard.model_validate_json((folder / CARD_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise _report_damage(folder, error) from error


def verify_tables(folder: Path, name: str, card: TablesCard) -> tuple[str, str]:
    """
    Verify the files of an Earth model; returns their digests, of vertical and of transverse displacement.

    Raises DamagedArtifact where a file is missing or differs from the digest on the card.
    """
    digests = card.sha256[name], card.transverse_sha256[name]
    for path, digest in zip(_list_files(folder, name), digests, strict=True):
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise DamagedArtifact(f"{FOLDER}/{folder.name}: {path.name} differs from the digest on its card", part=FOLDER)
    return digests


def _list_files(folder: Path, name: str) -> tuple[Path, Path]:
    """List the files of an Earth model, of vertical and of transverse displacement."""
    return folder / f"{name}.npz", folder / f"{name}-{TRANSVERSE_NAME}.npz"


def _load_earth(folder: Path, name: str, card: TablesCard) -> GreensTables:
    """Verify and load the tables of one Earth model."""
    verify_tables(folder, name, card)
    return load_tables(*_list_files(folder, name), CRUSTS.get(name))


def _report_damage(folder: Path, error: Exception) -> DamagedArtifact:
    return DamagedArtifact(f"{FOLDER}/{folder.name}: {type(error).__name__}: {error}", part=FOLDER)
