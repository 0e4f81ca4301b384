"""The models that serve, by their cards."""

from fastapi import APIRouter

from app.dependencies import ServiceOf
from app.schemas import PROBLEM_RESPONSE
from models.registry.card import Card

router = APIRouter(tags=["Models"])


@router.get("/models", summary="All model cards")
async def list_models(service: ServiceOf) -> list[Card]:
    """What each model is, what it was trained on, how well it does and what not to trust it with."""
    return list(service.store.cards())


@router.get("/models/{name}", responses={404: PROBLEM_RESPONSE}, summary="A model card")
async def read_model(service: ServiceOf, name: str) -> Card:
    """The card of one model."""
    return service.store.card(name)
