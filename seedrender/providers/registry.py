"""Turns a route's name and the environment into a provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from seedrender.catalog.models import Catalog, catalog
from seedrender.errors import ConfigError
from seedrender.providers import ark_errors, plugins
from seedrender.providers.addresses import Network
from seedrender.providers.ark import Ark
from seedrender.providers.ark_account import ArkAccount
from seedrender.providers.http import Http
from seedrender.providers.modellix import Modellix
from seedrender.providers.modellix_account import ModellixAccount
from seedrender.providers.plugins import Client
from seedrender.providers.recording import Recorder
from seedrender.providers.refusals import Judge, by_status
from seedrender.values.money import Amount
from seedrender.values.provider import Limits, Provider


class AccountReads(Protocol):
    """What can be asked about an account without buying anything. All raise ProviderError."""

    async def check_key(self) -> str:
        """Say what the key may do. Raises: UnauthorizedError where it is not valid."""
        ...

    async def balance(self) -> Amount | None:
        """Return the credit that is left; None: the route does not say."""
        ...

    async def models(self) -> frozenset[str] | None:
        """Return what footage is offered, by slug; None: the route does not say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a route is reached, the names of the variables that say so, and its wire."""

    name: str
    base_url: str
    base_name: str
    key_name: str
    wire: Callable[..., Client]  # of its name, http, catalog and limits, and its options
    judge: Judge
    account: Callable[[Http, Catalog], AccountReads]
    options: Callable[[Mapping[str, str]], Mapping[str, Any]] = lambda _: {}  # of the environment


def _modellix_options(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Read which generation of paths is meant. Raises: ConfigError."""
    said = environ.get("MODELLIX_ASYNC", "")
    if said not in ("", "0", "1"):
        raise ConfigError(f"MODELLIX_ASYNC is {said!r}: write 1 or 0; nothing was sent")
    return {"is_async": said == "1"}


def _ark(name: str, base_url: str) -> Route:
    return Route(
        name=name,
        base_url=base_url,
        base_name="ARK_BASE_URL",
        key_name="ARK_API_KEY",
        wire=Ark,
        judge=ark_errors.judge,
        account=ArkAccount,
    )


ROUTES: Mapping[str, Route] = {
    "modellix": Route(
        name="modellix",
        base_url="https://api.modellix.ai",
        base_name="MODELLIX_BASE_URL",
        key_name="MODELLIX_API_KEY",
        wire=Modellix,
        judge=by_status,
        account=ModellixAccount,
        options=_modellix_options,
    ),
    "byteplus": _ark("byteplus", "https://ark.ap-southeast.bytepluses.com/api/v3"),
    "volcengine": _ark("volcengine", "https://ark.cn-beijing.volces.com/api/v3"),
}

SIMULATED_LIMITS = Limits(concurrency=16, requests_per_minute=1000)
_NOWHERE = "http://127.0.0.1:9"  # the discard port: an offline provider sends nothing


def names() -> tuple[str, ...]:
    """Return every route that a manifest may name."""
    return ("sim", *ROUTES, *plugins.names())


def offline(name: str) -> Provider:
    """Return a provider for its pure methods: what it accepts, costs and would be sent.

    Raises: ConfigError for a route that does not exist, or whose plugin is broken.
    """
    if name == "sim":
        return simulated(_NOWHERE, speed=1.0)
    if name not in ROUTES:
        return plugins.load(name, {})
    route = ROUTES[name]
    http = Http(_NOWHERE, None, key_name=route.key_name)
    return route.wire(name, http, catalog(name), account_limits(name))


def online(
    name: str,
    environ: Mapping[str, str],
    limits: Limits,
    *,
    allowed: Sequence[Network] = (),
    recorder: Recorder | None = None,
) -> Client:
    """Return a provider that can be entered; its key and host come from the environment.

    `allowed` is where results may be fetched from beside public places. A plugin's route keeps no
    record.

    Raises: ConfigError where the host is not safe.
    """
    if name not in ROUTES:
        client = plugins.load(name, environ)
        client.limits = limits
        return client
    http = connection(name, environ, allowed=allowed, recorder=recorder)
    route = ROUTES[name]
    return route.wire(name, http, catalog(name), limits, **route.options(environ))


def connection(
    name: str,
    environ: Mapping[str, str],
    *,
    allowed: Sequence[Network] = (),
    recorder: Recorder | None = None,
) -> Http:
    """Return a way to a route's host under the account's key. Raises: ConfigError."""
    route = ROUTES[name]
    base_url = environ.get(route.base_name) or route.base_url
    key = environ.get(route.key_name)
    return Http(
        base_url,
        key,
        key_name=route.key_name,
        judge=route.judge,
        allowed=allowed,
        recorder=recorder,
    )


def simulated(base_url: str, *, speed: float, limits: Limits = SIMULATED_LIMITS) -> Client:
    """Return the client of an embedded simulator: the Modellix wire, on loopback, free."""
    http = Http(base_url, "sim", key_name="the simulator's key")
    limits = replace(limits, speed=speed, settle_s=0.0, hold_s=catalog("sim").hold_s)
    return Modellix("sim", http, catalog("sim"), limits, has_ledger=True)


def account_limits(name: str) -> Limits:
    """Return what an account may do, by the data file of its route."""
    if name == "sim":
        return SIMULATED_LIMITS
    if name not in ROUTES:
        return offline(name).limits
    data = catalog(name)
    return Limits(
        concurrency=data.concurrency,
        requests_per_minute=data.requests_per_minute,
        batch=data.batch,
        hold_s=data.hold_s,
    )
