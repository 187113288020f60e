"""Says through which proxy of the environment an address is reached; this machine itself never is.

The variables are those of curl, and are read as Python's own `urllib` reads them: `HTTPS_PROXY`,
`HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case of letters.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from urllib import request
from urllib.parse import urlsplit

from yarl import URL

from seedrender.errors import ConfigError
from seedrender.providers.addresses import AddressError, CheckedResolver, is_loopback

_KINDS = ("http", "https")
_ANY = "all"


class ProxyError(ConfigError):
    """The environment names a proxy that is not understood; nothing was sent."""


def proxy_for(address: str) -> str | None:
    """Return the proxy for an address; None: it is reached directly.

    Raises: ProxyError where the environment names one that is not understood.
    """
    parts = urlsplit(address)
    named = request.getproxies_environment()
    kind = parts.scheme if named.get(parts.scheme) else _ANY
    found = named.get(kind)
    place = parts.netloc.rpartition("@")[2]
    if not found or is_loopback(address) or _is_apart(place):
        return None
    return _checked(kind, found)


def shown(proxy: str) -> str:
    """Name a proxy without its user and password."""
    return urlsplit(proxy).netloc.rpartition("@")[2]


def hosts() -> Collection[str]:
    """Return the hosts of all proxies that the environment names: wherever they are, they count."""
    named = request.getproxies_environment()
    found = (_checked(kind, named[kind]) for kind in (*_KINDS, _ANY) if named.get(kind))
    return frozenset(urlsplit(proxy).hostname or "" for proxy in found)


async def way_to(url: URL, resolver: CheckedResolver) -> str | None:
    """Return the proxy for a URL that a stranger chose; None: it is reached directly.

    A proxy looks names up by itself, so a name is looked up here first; where no name server of
    the world outside answers, as in many offices, the proxy alone decides.

    Raises: AddressError where the URL leads to the proxy itself, or to a private place.
    """
    proxy = proxy_for(str(url))
    if proxy is None:
        return None
    host = url.raw_host or ""
    if host in hosts():
        raise AddressError(f"{host} is the proxy")
    with suppress(OSError):
        await resolver.resolve(host)
    return proxy


def _is_apart(place: str) -> bool:
    """Say whether NO_PROXY names a place."""
    return bool(request.proxy_bypass_environment(place))  # type: ignore[attr-defined]


def _checked(kind: str, proxy: str) -> str:
    whole = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(whole)
        is_understood = parts.scheme in _KINDS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_understood = False
    if not is_understood or not whole.isprintable() or " " in whole:
        raise ProxyError(
            f"{_variable(kind)} names no proxy of the kind http://host:port or https://host:port; "
            "correct it, or list in NO_PROXY what needs none; nothing was sent"
        )
    return whole


def _variable(kind: str) -> str:
    """Return the name under which a proxy is set; in small letters it goes before."""
    name = f"{kind}_proxy"
    return name if os.environ.get(name) else name.upper()
