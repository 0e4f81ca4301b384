"""Endpoint of the caller's own key for the signatures of callbacks."""

from fastapi import APIRouter, Response

from app.dependencies import ServiceDep, SubmitterDep
from app.errors import NoCallbacks
from app.schemas import PROBLEM_RESPONSE, CallbackSecret
from workers.callbacks.signing import derive_key, format_key

router = APIRouter(tags=["Jobs"], responses=dict.fromkeys((401, 403, 404, 429, 503), PROBLEM_RESPONSE))


@router.get("/callbacks/secret", summary="Read the key that signs callbacks")
async def read_callback_secret(response: Response, service: ServiceDep, owner: SubmitterDep) -> CallbackSecret:
    """Return the key with which a receiver of callbacks verifies their signatures; it is the same for all keys of an owner."""
    secret = service.settings.callback_secret
    if secret is None:
        raise NoCallbacks("this service sends no callbacks; its operator can set ATLAS_CALLBACK_SECRET")
    response.headers["Cache-Control"] = "no-store"
    return CallbackSecret(secret=format_key(derive_key(secret, owner)))
