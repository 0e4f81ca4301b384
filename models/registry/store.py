"""
Artifacts on disk: `<name>/<version>/` holds `model.onnx` and `card.json`, and nothing else.

Light on purpose (no numpy, no ONNX Runtime): the API lists cards without loading a model.
"""

import hashlib
import mmap
import re
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
    """The newest version of each model in a folder; the bytes are believed only after `verify`."""

    folder: Path
    _cards: MappingProxyType[str, Card]

    def names(self) -> tuple[str, ...]:
        """Names of the models present, sorted."""
        return tuple(self._cards)

    def cards(self) -> tuple[Card, ...]:
        """The served card of each model, in the order of names."""
        return tuple(self._cards.values())

    def card(self, name: str) -> Card:
        """The served card of a model; raises UnknownModel."""
        if name not in self._cards:
            raise UnknownModel(f"there is no model {name!r}; there are {', '.join(self._cards) or 'none'}")
        return self._cards[name]

    def path(self, name: str) -> Path:
        """Where the served `model.onnx` lies; raises UnknownModel."""
        return self.folder / name / self.card(name).version / MODEL_FILE

    def verify(self, spec: ModelSpec) -> Card:
        """
        The card of an artifact that keeps the declared promise.

        Raises UnknownModel (no artifact), StyleMismatch (trained for another declaration) or DamagedArtifact (bytes that
        differ from the card's digest, a link, a further file, or a graph whose tensors lie in other files).
        """
        card = self.card(spec.name)
        if card.spec_fingerprint != spec.fingerprint():
            raise StyleMismatch(
                f"{spec.name} {card.version} was trained for another picture or other outputs than declared", part=spec.name
            )
        path = self.path(spec.name)
        _refuse_strangers(path, card)
        if path.stat().st_size != card.size_bytes or _digest(path) != card.digest:
            raise DamagedArtifact(f"{spec.name} {card.version}: {MODEL_FILE} differs from the digest on its card", part=spec.name)
        if _leads_out(path):
            raise DamagedArtifact(f"{spec.name} {card.version}: {MODEL_FILE} keeps data in other files, or is no ONNX", part=spec.name)
        return card


def open_store(folder: Path) -> Store:
    """The store in a folder; one that is missing or empty has no models. Raises DamagedArtifact for a card in the wrong place."""
    root = folder.resolve()
    entries = sorted(root.iterdir()) if root.is_dir() else []
    served = {entry.name: _newest(entry) for entry in entries if entry.is_dir() and _versions(entry)}
    return Store(root, MappingProxyType(served))


def _versions(model: Path) -> list[str]:
    """Versions of a model that have a card, oldest first: numbers count as numbers, so 0.10 follows 0.9."""
    names = (card.parent.name for card in model.glob(f"*/{CARD_FILE}"))
    return sorted((name for name in names if _VERSION.fullmatch(name)), key=_order)


def _order(version: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", version) if piece)


def _newest(model: Path) -> Card:
    version = _versions(model)[-1]
    card = Card.load(model / version / CARD_FILE)
    if (card.name, card.version) != (model.name, version):
        raise DamagedArtifact(f"the card in {model.name}/{version} is of {card.name} {card.version}", part=model.name)
    return card


def _refuse_strangers(path: Path, card: Card) -> None:
    """Two plain files and nothing else beside the model; none a link that leads out of the folder."""
    inside = sorted(path.parent.iterdir())
    plain = all(entry.is_file() and not entry.is_symlink() for entry in inside)
    if [entry.name for entry in inside] != [CARD_FILE, MODEL_FILE] or not plain or path.resolve() != path:
        raise DamagedArtifact(f"{card.name}/{card.version} holds other things than {CARD_FILE} and {MODEL_FILE}", part=card.name)


def _leads_out(path: Path) -> bool:
    """A digest that fits does not make it harmless: whoever wrote the card wrote the graph (H23)."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
        try:
            return has_external_data(view)
        except ValueError:
            return True


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
