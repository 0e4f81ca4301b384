"""The tables of Green's functions in the folder of artifacts: `greens/<version>/` with one file an Earth model and a card of digests."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from models.errors import DamagedArtifact
from models.seismic.source.greens_tables import GreensTables, load_tables

FOLDER: Final = "greens"
CARD_FILE: Final = "tables.json"
TRANSVERSE_NAME: Final = "transverse"  # at the end of the names of files of transverse displacement


class TablesCard(BaseModel):
    """Card of the tables: what they were computed with, and the SHA-256 of the file of each Earth model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    created_at: AwareDatetime
    commit: str = Field(description="commit of the code that computed them")
    engine: dict[str, Any]
    sha256: dict[str, str] = Field(description="by name of the Earth model")
    transverse_sha256: dict[str, str] = Field({}, description="of the tables of transverse displacement, likewise")


def load_earths(artifacts: Path) -> Mapping[str, GreensTables]:
    """
    Verify and load the tables of all Earth models, of the newest version; an empty mapping where there are none.

    Raises DamagedArtifact for an invalid card, or a file that is missing, differs from its digest, or has another layout.
    """
    versions = sorted((path.parent for path in (artifacts / FOLDER).glob(f"*/{CARD_FILE}")), key=lambda folder: int(folder.name))
    if not versions:
        return MappingProxyType({})
    folder = versions[-1]
    try:
        card = TablesCard.model_validate_json((folder / CARD_FILE).read_bytes())
        return MappingProxyType({name: _load_earth(folder, name, card) for name in card.sha256})
    except (OSError, ValueError, ValidationError) as error:
        raise DamagedArtifact(f"{FOLDER}/{folder.name}: {type(error).__name__}: {error}", part=FOLDER) from error


def _load_earth(folder: Path, name: str, card: TablesCard) -> GreensTables:
    """Load the tables of one Earth model, with those of transverse displacement where the card has them."""
    transverse = folder / f"{name}-{TRANSVERSE_NAME}.npz"
    with_transverse = name in card.transverse_sha256
    if with_transverse:
        _verify(transverse, card.transverse_sha256[name])
    path = folder / f"{name}.npz"
    _verify(path, card.sha256[name])
    return load_tables(path, transverse if with_transverse else None)


def _verify(path: Path, digest: str) -> None:
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise DamagedArtifact(f"{FOLDER}/{path.parent.name}: {path.name} differs from the digest on its card", part=FOLDER)
