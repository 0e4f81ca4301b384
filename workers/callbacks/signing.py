"""Signatures of callbacks, after the Standard Webhooks specification: HMAC-SHA256 of id, time and body."""

import base64
import hashlib
import hmac
from typing import Final

from pydantic import SecretStr

KEY_PREFIX: Final = "whsec_"


def derive_key(secret: SecretStr, owner: str) -> bytes:
    """Derive the signing key of an owner from the secret of the service, so that no owner can sign for another."""
    return hmac.digest(secret.get_secret_value().encode(), b"atlas-callback:" + owner.encode(), hashlib.sha256)


def format_key(key: bytes) -> str:
    """Return a signing key as receivers are given it."""
    return KEY_PREFIX + base64.b64encode(key).decode()


def sign_callback(key: bytes, message_id: str, time_s: int, body: bytes) -> dict[str, str]:
    """
    Return the headers that identify and sign a callback.

    Parameters
    ----------
    key
        Signing key of the owner.
    message_id
        Id of the message, equal in all attempts, so that a receiver can ignore repetitions.
    time_s
        POSIX time of the attempt, seconds.
    body
        The body as sent.

    """
    signed = b".".join((message_id.encode(), str(time_s).encode(), body))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(time_s), "webhook-signature": f"v1,{signature}"}
