"""Who can reach the service where it listens, and that beyond this machine it has keys; no web framework in sight."""

import ipaddress
from datetime import UTC, datetime

from app.auth.keys import keys_path, read_keys
from models.errors import AtlasError
from workers.settings import Settings


class KeysNeeded(AtlasError):
    """The service would answer strangers and has no key to tell them apart."""

    code = "keys-needed"


def check_exposure(settings: Settings) -> None:
    """Raises KeysNeeded where the service would listen beyond this machine without a key that is good, KeysUnusable."""
    if is_loopback(settings.host) or any(key.good(datetime.now(UTC)) for key in read_keys(keys_path(settings))):
        return
    raise KeysNeeded(
        f"listening on {settings.host} lets others in, and there is no API key that is good; "
        "create one with `python -m app keys create NAME`, or listen on 127.0.0.1"
    )


def is_loopback(host: str) -> bool:
    """Whether an address or a name, with or without a port, can only be this machine."""
    name = _without_port(host).lower().rstrip(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]
