"""Endpoints of the model cards."""

from fastapi import APIRouter

from app.dependencies import ServiceDep
from app.schemas import PROBLEM_RESPONSE
from models.registry.card import Card

router = APIRouter(tags=["Models"])


@router.get("/models", summary="List model cards")
async def list_models(service: ServiceDep) -> list[Card]:
    """Return the card of every model: its inputs and outputs, training data, scores and limitations."""
    return list(service.models.cards())


@router.get("/models/{name}", responses={404: PROBLEM_RESPONSE}, summary="Read a model card")
async def read_model(service: ServiceDep, name: str) -> Card:
    """Return the card of one model."""
    return service.models.card(name)
