"""Addresses that callbacks may be sent to: public ones of http or https, so that nobody reaches the network of the service through it."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from models.errors import AtlasError
from workers.contracts import MAX_CALLBACK_URL

_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address

IsAllowed = Callable[[str], bool]
"""Takes an address as text, such as 192.0.2.1."""


class RefusedCallback(AtlasError):
    """A callback address that is no public address of http or https, or does not resolve."""

    code = "refused-callback"


class Target(NamedTuple):
    """Where a callback is sent: scheme, host for its certificate and Host header, port, and path with query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_callback_url(url: str) -> Target:
    """Take a callback URL apart; raises RefusedCallback for one that is malformed, holds a password, or names a private address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedCallback("callback_url is not a URL") from error
    if parts.scheme not in _PORTS or not parts.hostname or len(url) > MAX_CALLBACK_URL or not url.isprintable() or " " in url:
        raise RefusedCallback(f"callback_url must be an http or https URL of at most {MAX_CALLBACK_URL} characters")
    if parts.username is not None or parts.password is not None:
        raise RefusedCallback("callback_url must not hold a name or password; verify the signature instead")
    if _is_address(parts.hostname) and not is_public(parts.hostname):
        raise RefusedCallback("callback_url names an address that is not public")
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], f"{parts.path or '/'}{query}")


def resolve_target(target: Target, is_allowed: IsAllowed) -> str:
    """
    Resolve the host of a target to one address; raises RefusedCallback if any of its addresses is not allowed.

    The connection is made to this address and not to the name, which could resolve to another one by then.
    """
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise RefusedCallback(f"the host {target.host} does not resolve") from error
    refused = [address for address in found if not is_allowed(address)]
    if refused or not found:
        raise RefusedCallback(f"the host {target.host} resolves to an address that is not public")
    return found[0]


def is_public(address: str) -> bool:
    """Return whether an address is one of the public internet, also where it is an IPv4 address written as IPv6."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        translated = IPv4Address(int(parsed) & 0xFFFFFFFF) if parsed in _NAT64 else None
        embedded = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None) or translated
        if embedded is not None:
            return embedded.is_global
    return parsed.is_global and not parsed.is_multicast


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
