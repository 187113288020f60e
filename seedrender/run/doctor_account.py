"""Looks at a route's account: its host, key and credit, what it offers, and its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import suppress

from seedrender.catalog.models import Catalog, catalog
from seedrender.errors import (
    ConfigError,
    LockError,
    ProviderError,
    UnauthorizedError,
    UnavailableError,
    printable,
)
from seedrender.lock.identity import SIMULATED
from seedrender.plan.cost import estimate
from seedrender.providers import keys, plugins, registry
from seedrender.providers.http import Http
from seedrender.providers.proxies import ProxyError
from seedrender.providers.registry import AccountReads
from seedrender.run.doctor import Check, fail, ok, warn
from seedrender.run.online import Account
from seedrender.run.project import Project
from seedrender.values.money import Amount

_SHOWN = 8  # names in one line
_OFF_S = 30.0  # of a clock, before it is mentioned
_FAR_OFF_S = 900.0  # by which signed links fail, and lost submits are not found


async def account(
    route: str, environ: Mapping[str, str], project: Project | None
) -> AsyncIterator[Check]:
    """Ask a built-in route; a few small reads, nothing is bought."""
    if route == SIMULATED:
        yield ok("account", "the embedded simulator needs none, and is free")
        return
    if route not in registry.ROUTES:
        async for check in _plugin(route, environ, project):
            yield check
        return
    spec = registry.ROUTES[route]
    try:
        http = registry.connection(route, environ)
    except ProxyError as error:
        yield fail("host", printable(str(error)), "mend the proxy first")
        return
    except ConfigError as error:
        yield fail("host", printable(str(error)), f"correct {spec.base_name}")
        return
    own = http.base_url != spec.base_url
    yield ok("address", f"{http.base_url}{f' (by {spec.base_name})' if own else ''}")
    key = environ.get(spec.key_name, "")
    if wrong := _wrong_key(key):
        yield fail("key", f"{spec.key_name} {wrong}", f"export {spec.key_name}=…")
        return
    try:
        async with http:
            async for check in _asked(http, spec.account(http, catalog(route)), route, project):
                yield check
    except ConfigError as error:
        yield fail("account", printable(str(error)), "mend that first")


async def _plugin(
    route: str, environ: Mapping[str, str], project: Project | None
) -> AsyncIterator[Check]:
    """Open a route of another package, and ask for its credit where it tells it."""
    try:
        client = registry.online(route, environ, registry.account_limits(route))
        yield ok("plugin", f"{route} of {printable(plugins.source(route))}")
        async with client:
            yield ok("account", "it opens; what else it needs it says in a run")
            if isinstance(client, Account):
                yield _credit(await client.balance(), project)
    except (ConfigError, ProviderError) as error:
        yield fail("account", printable(str(error)), "mend that first")


def _wrong_key(key: str) -> str:
    """Say what is wrong with a key as it stands; never any of it."""
    return keys.fault(key) if key else "is not set: the account was not asked"


async def _asked(
    http: Http, reads: AccountReads, route: str, project: Project | None
) -> AsyncIterator[Check]:
    try:
        yield ok("key", printable(await reads.check_key()))
    except UnauthorizedError as error:
        yield fail("key", printable(str(error)), "make a new key in the provider's console")
        return
    except UnavailableError as error:
        yield fail("host", printable(str(error)), "look at the network, or come back later")
        return
    except ProviderError as error:
        yield fail("key", printable(str(error)), "look at the network, or come back later")
        return
    yield _clock(http.ahead_s)
    try:
        yield _credit(await reads.balance(), project)
    except ProviderError as error:
        yield warn("credit", printable(str(error)), "look at the provider's console")
    try:
        for check in _models(await reads.models(), catalog(route), project):
            yield check
    except ProviderError as error:
        yield warn("models", printable(str(error)), "try again later")


def _clock(ahead_s: float | None) -> Check:
    if ahead_s is None:
        return ok("clock", "the server does not tell its time")
    words = f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the server's"
    if abs(ahead_s) < _OFF_S:
        return ok("clock", "as the server's")
    if abs(ahead_s) < _FAR_OFF_S:
        return warn("clock", words, "set it: links lapse by the server's clock")
    return fail("clock", words, "set it: signed links fail, and lost submits cannot be settled")


def _credit(left: Amount | None, project: Project | None) -> Check:
    if left is None:
        return ok("credit", "this route does not say: look at the provider's console")
    words, needed = f"{left}", None
    with suppress(LockError):  # told with the lockfile
        if project is not None:
            lock = project.read_lock()
            cost = estimate(project.plan(lock), project.pricing(lock))
            words, needed = f"{left}, and the plan costs {cost}", cost.expected
    if left.value <= 0:
        return fail("credit", words, "top up")
    if needed is not None and needed.currency == left.currency and needed.value > left.value:
        return warn("credit", words, "top up, or narrow the selection")
    return ok("credit", words)


def _models(
    offered: Collection[str] | None, known: Catalog, project: Project | None
) -> Iterator[Check]:
    """Compare what the account is offered with the data of this package, by name."""
    if offered is None:
        yield ok("models", f"this route lists none; the package's data are of {known.date}")
        return
    ours = {v.slug for v in known.variants.values() if v.ended is None}
    gone, new = sorted(ours - set(offered)), sorted(set(offered) - ours)
    used = _used(known, project)
    lost = [slug for slug in gone if slug in used]
    if lost:
        advice = "choose another model or tier: their submits would be refused"
        yield fail("models", f"used here, and not offered any more: {_named(lost)}", advice)
    if left := [slug for slug in gone if slug not in used]:
        advice = "a newer seedrender may know; nothing here uses them"
        yield warn("models", f"not offered any more: {_named(left)}", advice)
    more = f"; offered too, and not known here: {_named(new)}" if new else ""
    yield ok("models", f"{len(ours) - len(gone)} of {len(ours)} known ones are offered{more}")


def _used(known: Catalog, project: Project | None) -> set[str]:
    jobs = project.jobs if project is not None else ()
    variants = (known.variant(job.model, job.tier, job.mode) for job in jobs)
    return {variant.slug for variant in variants if variant is not None}


def _named(slugs: Collection[str]) -> str:
    more = len(slugs) - _SHOWN
    names = ", ".join(printable(slug) for slug in list(slugs)[:_SHOWN])
    return f"{names} and {more} more" if more > 0 else names
