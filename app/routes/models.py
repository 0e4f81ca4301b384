"""Endpoints of the model cards."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request, Response

from app.dependencies import ServiceDep
from app.responses.conditional import is_unchanged, make_etag, not_modified
from app.schemas import PROBLEM_RESPONSE
from models.registry.card import Card

router = APIRouter(tags=["Models"])

CACHE_CONTROL: Final = "no-cache"
"""A client asks each time whether a card has changed, as another release may have been installed."""


@router.get("/models", response_model=list[Card], summary="List model cards")
async def list_models(request: Request, response: Response, service: ServiceDep) -> list[Card] | Response:
    """Return the card of every model: its inputs and outputs, training data, scores and limitations."""
    cards = list(service.models.cards())
    return _mark(request, response, cards) or cards


@router.get("/models/{name}", response_model=Card, responses={404: PROBLEM_RESPONSE}, summary="Read a model card")
async def read_model(request: Request, response: Response, service: ServiceDep, name: str) -> Card | Response:
    """Return the card of one model."""
    card = service.models.card(name)
    return _mark(request, response, [card]) or card


def _mark(request: Request, response: Response, cards: Sequence[Card]) -> Response | None:
    """Set the entity tag of an answer that shows these cards; return the answer 304 where the client has it already."""
    etag = make_etag(*(card.model_dump_json() for card in cards))
    if is_unchanged(request, etag):
        return not_modified(etag, CACHE_CONTROL)
    response.headers.update({"ETag": etag, "Cache-Control": CACHE_CONTROL})
    return None
