"""
Check at start-up that a service reachable from other machines requires API keys.

Apart from `keyring`, because the command checks this before it imports the web framework.
"""

import ipaddress
from datetime import UTC, datetime

from app.auth.keys import keys_path, read_keys
from models.errors import AtlasError
from workers.settings import Settings


class KeysNeeded(AtlasError):
    """The service would accept connections from other machines and has no valid API key."""

    code = "keys-needed"


def check_exposure(settings: Settings) -> None:
    """Raise KeysNeeded if the service would listen beyond this machine without a valid API key; raises KeysUnusable."""
    if is_loopback(settings.host) or any(key.is_valid(datetime.now(UTC)) for key in read_keys(keys_path(settings))):
        return
    raise KeysNeeded(
        f"listening on {settings.host} makes the service reachable from other machines, which requires an API key; there is no valid "
        "one. Create one with `python -m app keys create OWNER`, or listen on 127.0.0.1"
    )


def is_loopback(host: str) -> bool:
    """Return whether an address or a host name, with or without a port, always refers to this machine."""
    name = _strip_port(host).lower().rstrip(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _strip_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]
