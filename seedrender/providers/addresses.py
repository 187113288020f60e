"""Decides which addresses we may be made to talk to, and resolves names to those only."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from seedrender.errors import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Lookup = Callable[[str], Awaitable[Sequence[str]]]

_NUMBER = re.compile(r"(?i)(0x[0-9a-f]*|[0-9]+)")  # the last label of a name is never one
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_SHOWN = 80  # characters of a name
NEVER_IN_A_URL = frozenset(' \\"<>^`{|}')


class AddressError(Exception):
    """An address that is not looked at, and why."""


def joined(base: str, address: str) -> str:
    """Return where an address leads that may be relative to another. Raises: AddressError."""
    try:
        return urljoin(base, address)
    except ValueError:  # such as a bracket that stays open
        raise AddressError("it is no URL") from None


@dataclass(frozen=True, slots=True)
class Rules:
    """Public addresses over https, and what the person at the command line allows beside them."""

    allowed: tuple[Network, ...] = ()

    def check_url(self, url: str) -> URL:
        """Parse a URL that may be looked at, kept as it is written. Raises: AddressError."""
        try:
            parsed = URL(url, encoded=True)
            host, port = parsed.raw_host, parsed.port
        except ValueError:
            raise AddressError("it is no URL") from None
        if not host or not url.isascii() or not url.isprintable() or set(url) & NEVER_IN_A_URL:
            raise AddressError("it is no URL; write other letters as %XX, and a host as xn--…")
        literal = _literal(host)
        if parsed.scheme != "https" and not self._is_allowed_loopback(parsed.scheme, literal):
            raise AddressError(f"{parsed.scheme or 'a relative address'} is not https")
        if parsed.raw_user is not None or parsed.raw_password is not None:
            raise AddressError("it carries a password")
        if not port:
            raise AddressError("it has no port")
        if literal is not None:
            self.check(literal)
        elif _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise AddressError(f"{host} is an address in disguise")
        return parsed

    def check(self, address: Address) -> None:
        """Refuse an address that is not public and not allowed. Raises: AddressError."""
        meant = _meant(address)
        if any(meant in network for network in self.allowed):
            return
        if not meant.is_global or meant.is_multicast or meant.is_reserved:
            raise AddressError(f"{meant} is not a public address")

    def _is_allowed_loopback(self, scheme: str, literal: Address | None) -> bool:
        is_loopback = literal is not None and literal.is_loopback
        return scheme == "http" and is_loopback and bool(self.allowed)


class CheckedResolver(AbstractResolver):
    """Hands a connector addresses that were checked, so that it connects to no other one.

    A name with several addresses is refused if one of them is: which one is taken is chance.
    """

    def __init__(
        self, rules: Rules, lookup: Lookup | None = None, *, trusted: Collection[str] = ()
    ) -> None:
        self._rules = rules
        self._trusted = trusted  # hosts of the person's own choice, wherever they are
        self._lookup = lookup or look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name. Raises: AddressError; OSError where it has no address."""
        del family
        found: list[ResolveResult] = []
        for text in await self._lookup(host):
            address = ipaddress.ip_address(text.partition("%")[0])
            if host not in self._trusted:
                self._check(host, address)
            found.append(
                ResolveResult(
                    hostname=host,
                    host=str(address),
                    port=port,
                    family=socket.AF_INET if address.version == 4 else socket.AF_INET6,  # noqa: PLR2004
                    proto=0,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        if not found:
            raise OSError(None, f"{host} has no address")
        return found

    def _check(self, host: str, address: Address) -> None:
        try:
            self._rules.check(address)
        except AddressError as error:
            raise AddressError(f"{host}: {error}") from None

    async def close(self) -> None:
        """Keep nothing open."""


def is_loopback(url: str) -> bool:
    """Say whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def look_up(host: str) -> Sequence[str]:
    """Ask the system for all addresses of a name."""
    loop = asyncio.get_running_loop()
    try:
        rows = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty, or longer than names have
        raise OSError(f"{host[:_SHOWN]} is no name of a host") from None
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks of a command line. Raises: ConfigError."""
    found = []
    for word in words:
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError:
            hint = "give an address or a network such as 10.1.0.0/16"
            raise ConfigError(f"--allow-address {word}: {hint}; nothing was sent") from None
    return tuple(found)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
