"""Cards are saved, loaded and validated."""

import pytest
from pydantic import ValidationError

from models.registry.card import Card, Metric


def test_a_saved_card_loads_unchanged(toy_artifacts, tmp_path):
    card = Card.load(toy_artifacts / "offset" / "1" / "card.json")
    again = tmp_path / "card.json"
    card.save(again)
    assert Card.load(again) == card
    assert card.metrics[0].low < card.metrics[0].value < card.metrics[0].high


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="typed_by_hand"):
        Metric(name="accuracy", dataset="synthetic catalog replica", value=1.0, n=3, typed_by_hand=True)
