"""Turns a route's name and the environment into a provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from seedrender.catalog.models import catalog
from seedrender.errors import ConfigError
from seedrender.providers.http import Http
from seedrender.providers.modellix import Modellix
from seedrender.values.provider import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a route is reached, and the names of the variables that say so."""

    name: str
    base_url: str
    base_name: str
    key_name: str


ROUTES: Mapping[str, Route] = {
    "modellix": Route(
        name="modellix",
        base_url="https://api.modellix.ai",
        base_name="MODELLIX_BASE_URL",
        key_name="MODELLIX_API_KEY",
    ),
}

SIMULATED_LIMITS = Limits(concurrency=16, requests_per_minute=1000)
_NOWHERE = "http://127.0.0.1:9"  # the discard port: an offline provider sends nothing


def names() -> tuple[str, ...]:
    """Return every route that a manifest may name."""
    return ("sim", *ROUTES)


def offline(name: str) -> Modellix:
    """Return a provider for its pure methods: what it accepts, costs and would be sent.

    Raises: ConfigError for a route that does not exist.
    """
    if name not in names():
        raise ConfigError(f"there is no route '{name}'; one of {', '.join(names())}")
    if name == "sim":
        return simulated(_NOWHERE, speed=1.0)
    limits = account_limits(name)
    http = Http(_NOWHERE, None, key_name=ROUTES[name].key_name)
    return Modellix(name, http, catalog(name), limits)


def online(name: str, environ: Mapping[str, str], limits: Limits) -> Modellix:
    """Return a provider that can be entered; its key and host come from the environment.

    Raises: ConfigError where the host is not safe.
    """
    route = ROUTES[name]
    base_url = environ.get(route.base_name) or route.base_url
    http = Http(base_url, environ.get(route.key_name), key_name=route.key_name)
    return Modellix(name, http, catalog(name), limits)


def simulated(base_url: str, *, speed: float, limits: Limits = SIMULATED_LIMITS) -> Modellix:
    """Return the client of an embedded simulator: the Modellix wire, on loopback, free."""
    http = Http(base_url, "simulated", key_name="the simulator's key")
    limits = replace(limits, speed=speed, settle_s=0.0)  # its ledger misses nothing
    return Modellix("sim", http, catalog("sim"), limits, has_ledger=True)


def account_limits(name: str) -> Limits:
    """Return what an account may do, by the data file of its route."""
    if name == "sim":
        return SIMULATED_LIMITS
    data = catalog(name)
    return Limits(concurrency=data.concurrency, requests_per_minute=data.requests_per_minute)
