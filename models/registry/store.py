"""
Artifacts on disk: the folder `<name>/<version>/` contains `model.onnx` and `card.json`, and nothing else.

This module imports neither numpy nor ONNX Runtime: the API lists cards without loading a model.
"""

import hashlib
import mmap
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from models.errors import DamagedArtifact, StyleMismatch, UnknownModel
from models.registry.card import Card
from models.registry.graph import has_external_data
from models.specs.spec import ModelSpec

MODEL_FILE: Final = "model.onnx"
CARD_FILE: Final = "card.json"

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]*")


@dataclass(frozen=True)
class Store:
    """The newest version of each model in a folder; call `verify` before using its bytes."""

    folder: Path
    _cards: MappingProxyType[str, Card]

    def names(self) -> tuple[str, ...]:
        """Return the sorted names of the models present."""
        return tuple(self._cards)

    def cards(self) -> tuple[Card, ...]:
        """Return the card of each model, in the order of names."""
        return tuple(self._cards.values())

    def card(self, name: str) -> Card:
        """Return the card of a model; raises UnknownModel."""
        if name not in self._cards:
            raise UnknownModel(f"there is no artifact of a model {name!r}; there are artifacts of: {', '.join(self._cards) or 'none'}")
        return self._cards[name]

    def path(self, name: str) -> Path:
        """Return the path of the `model.onnx` of a model; raises UnknownModel."""
        return self.folder / name / self.card(name).version / MODEL_FILE

    def verify(self, spec: ModelSpec) -> Card:
        """
        Verify the artifact of a declared model and return its card.

        Raises UnknownModel (no artifact), StyleMismatch (trained for another declaration) or DamagedArtifact (bytes that differ from the
        card's digest, a link, a further file, or a graph that refers to data in other files).
        """
        card = self.card(spec.name)
        if card.spec_fingerprint != spec.fingerprint():
            detail = f"{spec.name} {card.version} was trained for other pictures or outputs than this release declares: install its models"
            raise StyleMismatch(detail, part=spec.name)
        path = self.path(spec.name)
        _check_folder(path, card)
        if path.stat().st_size != card.size_bytes or _digest(path) != card.digest:
            raise DamagedArtifact(f"{spec.name} {card.version}: {MODEL_FILE} differs from the digest on its card", part=spec.name)
        if _has_external_data(path):
            detail = f"{spec.name} {card.version}: {MODEL_FILE} refers to data in other files, or is not an ONNX file"
            raise DamagedArtifact(detail, part=spec.name)
        return card


def open_store(folder: Path) -> Store:
    """Open the store in a folder; a missing or empty one has no models. Raises DamagedArtifact for a card of another name or version."""
    root = folder.resolve()
    entries = sorted(root.iterdir()) if root.is_dir() else []
    served = {entry.name: _newest(entry) for entry in entries if entry.is_dir() and _versions(entry)}
    return Store(root, MappingProxyType(served))


def require_highest(folder: Path, names: Iterable[str], version: str) -> None:
    """Raise ValueError where a version of one of the models would not be served, since the folder holds a higher one."""
    for name in names:
        newest = max((version, *_versions(folder / name)), key=_version_key)
        if _version_key(newest) > _version_key(version):
            raise ValueError(f"{name} {version} would not be served, since there is {name} {newest}: give a higher --version")


def _versions(model: Path) -> list[str]:
    """Versions of a model that have a card, oldest first; numbers are compared as numbers, so 0.10 follows 0.9."""
    names = (card.parent.name for card in model.glob(f"*/{CARD_FILE}"))
    return sorted((name for name in names if _VERSION.fullmatch(name)), key=_version_key)


def _version_key(version: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(token), "") if token.isdigit() else (-1, token) for token in re.split(r"(\d+)", version) if token)


def _newest(model: Path) -> Card:
    version = _versions(model)[-1]
    card = Card.load(model / version / CARD_FILE)
    if (card.name, card.version) != (model.name, version):
        raise DamagedArtifact(f"the card in {model.name}/{version} is that of {card.name} {card.version}", part=model.name)
    return card


def _check_folder(path: Path, card: Card) -> None:
    """Raise DamagedArtifact unless the folder contains the two plain files and nothing else, and no link leads out of it."""
    entries = sorted(path.parent.iterdir())
    plain = all(entry.is_file() and not entry.is_symlink() for entry in entries)
    if [entry.name for entry in entries] != [CARD_FILE, MODEL_FILE] or not plain or path.resolve() != path:
        raise DamagedArtifact(f"{card.name}/{card.version} contains other files than {CARD_FILE} and {MODEL_FILE}", part=card.name)


def _has_external_data(path: Path) -> bool:
    """
    Whether a graph refers to other files.

    A correct digest does not exclude it, as whoever wrote the card wrote the graph (hazard H23 of `docs/explanation/security.md`).
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
        try:
            return has_external_data(view)
        except ValueError:
            return True


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
