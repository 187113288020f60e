"""Finds routes that other packages bring, and holds each to the protocol before it is used."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from seedrender.catalog.models import ROUTES
from seedrender.errors import ConfigError, printable
from seedrender.lock.identity import FILE
from seedrender.values.money import NO_VIDEO
from seedrender.values.provider import Limits, Provider

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint  # slow to load, and most films name no plugin

GROUP = "seedrender.providers"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SECRET = re.compile(r"(?i)key|token|secret|pass")
_MAX_CHARS = 300
_ANY: Any = None
# method → how it is called here; those of the second table are awaited
_PLAIN: Mapping[str, tuple[tuple[Any, ...], Mapping[str, Any]]] = {
    "violations": ((_ANY,), {}),
    "price": ((_ANY, NO_VIDEO), {}),
    "encode": ((_ANY, _ANY, _ANY), {}),
    "retrieve": ((_ANY,), {}),
}
_OPTIONAL: Mapping[str, tuple[tuple[Any, ...], Mapping[str, Any]]] = {
    "retrieve_rest": ((_ANY, _ANY), {}),
}
_AWAITED: Mapping[str, tuple[tuple[Any, ...], Mapping[str, Any]]] = {
    "upload": ((_ANY,), {}),
    "submit": ((_ANY,), {}),
    "poll": ((_ANY,), {"hold": False}),
    "poll_many": ((_ANY,), {}),
    "find": ((_ANY,), {"since": None, "witnesses": ()}),
    "cancel": ((_ANY,), {}),
    "__aenter__": ((), {}),
    "__aexit__": ((_ANY, _ANY, _ANY), {}),
}


class Client(Provider, Protocol):
    """A provider that is entered before it is asked anything over the network."""

    async def __aenter__(self) -> Self:
        """Open its sessions. Raises: ConfigError where it has no key."""
        ...

    async def __aexit__(self, *exc_info: object) -> None:
        """Close them."""
        ...


def names() -> tuple[str, ...]:
    """Return the routes of installed plugins; a name that is built in is not theirs to take."""
    return tuple(sorted(_found()))


def source(name: str) -> str:
    """Return the package, with its version, that brings a route."""
    return _whose(_found()[name][0])


def _found() -> Mapping[str, list[EntryPoint]]:
    from importlib.metadata import entry_points

    found: defaultdict[str, list[EntryPoint]] = defaultdict(list)
    for entry in entry_points(group=GROUP):
        is_free = entry.name not in ROUTES and entry.name != FILE
        if is_free and _NAME.fullmatch(entry.name) and not _is_known(found[entry.name], entry):
            found[entry.name].append(entry)
    return {name: entries for name, entries in found.items() if entries}


def _is_known(entries: list[EntryPoint], entry: EntryPoint) -> bool:
    """Whether it is the same package again: one that lies twice on the path is one."""
    return any(other.value == entry.value and _whose(other) == _whose(entry) for other in entries)


def load(name: str, environ: Mapping[str, str]) -> Client:
    """Make a plugin's provider. Raises: ConfigError where there is none, or it is broken."""
    found = _found()
    if name not in found:
        known = ", ".join([*ROUTES, *sorted(found)])
        raise ConfigError(f"there is no route '{printable(name)}'; one of {known}")
    if len(found[name]) > 1:
        both = " and ".join(map(_whose, found[name]))
        raise ConfigError(f"the route {name} is brought by {both}: uninstall one; nothing was sent")
    (entry,) = found[name]
    client, fault = _made(entry, environ)
    if fault:
        raise _broken(entry, fault)
    return cast("Client", client)


def _made(entry: EntryPoint, environ: Mapping[str, str]) -> tuple[object, str]:
    """Run a stranger's code: whatever it raises is its own mistake, not ours."""
    try:
        make: Callable[[Mapping[str, str]], object] = entry.load()
        client = make(environ)
        return client, next(_faults(client, entry.name), "")
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001
        words = _without_secrets(f"{type(error).__name__}: {error}", environ)[:_MAX_CHARS]
        raise _broken(entry, f"cannot be loaded ({words})") from None


def _without_secrets(words: str, environ: Mapping[str, str]) -> str:
    """Take out what variables hold whose names say that it is nobody's business."""
    for name, value in environ.items():
        if value and _SECRET.search(name):
            words = words.replace(value, "…")
    return words


def _broken(entry: EntryPoint, what: str) -> ConfigError:
    words = f"the route {entry.name} of {_whose(entry)} {what}"
    return ConfigError(f"{printable(words)}; upgrade or uninstall that package; nothing was sent")


def _whose(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value


def _faults(client: object, name: str) -> Iterator[str]:
    """Yield how an object falls short of the protocol."""
    if getattr(client, "name", None) != name:
        yield f"calls itself {getattr(client, 'name', None)!r:.80}"
    if not isinstance(getattr(client, "limits", None), Limits):
        yield "has no `limits`"
    if not hasattr(client, "window"):
        yield "has no `window`"
    offered = {name: call for name, call in _OPTIONAL.items() if hasattr(client, name)}
    for method, call in {**_PLAIN, **offered, **_AWAITED}.items():
        found = getattr(client, method, None)
        if not callable(found):
            yield f"has no method `{method}`"
        elif inspect.iscoroutinefunction(found) is not (method in _AWAITED):
            yield f"has a method `{method}` that is{' not' if method in _AWAITED else ''} async"
        elif not _takes(found, *call):
            yield f"has a method `{method}` that does not take what it is given"


def _takes(method: Callable[..., object], args: tuple[Any, ...], named: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(method).bind(*args, **named)
    except (TypeError, ValueError):
        return False
    return True
