"""Proxies of the environment: what goes through them, what does not, and what is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from seedrender.errors import ConfigError, ProviderError, UnavailableError
from seedrender.providers import proxies
from seedrender.providers.addresses import AddressError, CheckedResolver, Rules
from seedrender.providers.http import Http

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
OFFICE = "http://me:word@proxy.office:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def given(patch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        patch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "address", "proxy"),
    [
        pytest.param({}, "https://api.example", None, id="none"),
        pytest.param({"HTTPS_PROXY": OFFICE}, "https://api.example", OFFICE, id="named"),
        pytest.param({"https_proxy": OFFICE}, "https://api.example", OFFICE, id="in small letters"),
        pytest.param({"ALL_PROXY": OFFICE}, "https://api.example", OFFICE, id="for all"),
        pytest.param({"HTTP_PROXY": OFFICE}, "https://api.example", None, id="for http alone"),
        pytest.param({"HTTPS_PROXY": OFFICE}, "http://127.0.0.1:8787", None, id="loopback"),
        pytest.param({"ALL_PROXY": OFFICE}, "http://localhost:8787", None, id="localhost"),
        pytest.param({"ALL_PROXY": OFFICE}, "http://[::1]:8787", None, id="loopback of IPv6"),
        pytest.param(
            {"HTTPS_PROXY": OFFICE, "NO_PROXY": "example"}, "https://api.example", None, id="apart"
        ),
        pytest.param(
            {"HTTPS_PROXY": OFFICE, "NO_PROXY": "*"}, "https://api.example", None, id="all apart"
        ),
        pytest.param(
            {"HTTPS_PROXY": OFFICE, "NO_PROXY": "other"}, "https://api.example", OFFICE, id="other"
        ),
        pytest.param(
            {"HTTPS_PROXY": "p:1"}, "https://api.example", "http://p:1", id="without a scheme"
        ),
    ],
)
def test_a_proxy_is_found_as_curl_finds_it(
    environment: pytest.MonkeyPatch,
    variables: Mapping[str, str],
    address: str,
    proxy: str | None,
) -> None:
    given(environment, variables)

    assert proxies.proxy_for(address) == proxy


@pytest.mark.parametrize("proxy", ["socks5://p:1080", "http://", "http://p:x", "http://p q:1"])
def test_a_proxy_that_is_not_understood_is_said_before_anything_is_sent(
    environment: pytest.MonkeyPatch, proxy: str
) -> None:
    given(environment, {"HTTPS_PROXY": proxy})

    with pytest.raises(ConfigError, match="nothing was sent"):
        proxies.proxy_for("https://api.example")


def test_a_proxy_is_shown_without_its_password() -> None:
    assert proxies.shown(OFFICE) == "proxy.office:3128"


@asynccontextmanager
async def proxy(answer: bytes, lines: list[bytes]) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.extend((await reader.readuntil(b"\r\n\r\n")).splitlines(keepends=True))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://me:word@127.0.0.1:{server.sockets[0].getsockname()[1]}"


def without_user(address: str) -> str:
    return address.replace("me:word@", "")


async def ask(http: Http, how: str) -> None:
    """Send one request of a kind."""
    match how:
        case "submit":
            await http.post_once("/x", {}, {})
        case "read":
            await http.read("/x")
        case "delete":
            await http.delete("/x")
        case _:
            await http.upload("/x", aiohttp.FormData({"file": "x"}))


@pytest.mark.parametrize("has_user", [True, False])
@pytest.mark.parametrize("how", ["submit", "read", "delete", "upload"])
def test_a_route_is_reached_through_the_proxy_which_is_told_no_key_and_buys_nothing(
    environment: pytest.MonkeyPatch, how: str, *, has_user: bool
) -> None:
    lines: list[bytes] = []
    key = "sk-0123456789abcdef"

    async def work() -> None:
        async with proxy(b"HTTP/1.1 407 Who are you\r\n\r\n", lines) as address:
            given(environment, {"HTTPS_PROXY": address if has_user else without_user(address)})
            async with Http("https://api.example", key, key_name="KEY") as http:
                await ask(http, how)

    with pytest.raises(UnavailableError) as caught:
        asyncio.run(work())

    assert lines[0] == b"CONNECT api.example:443 HTTP/1.1\r\n"
    told = [line for line in lines if line.lower().startswith(b"proxy-authorization: ")]
    assert [line.split()[1] for line in told] == ([b"Basic"] if has_user else [])
    assert key.encode() not in b"".join(lines)
    assert "through the proxy 127.0.0.1:" in str(caught.value)
    assert "the proxy answers HTTP 407" in str(caught.value)
    assert "word" not in str(caught.value)
    assert ("nothing was bought" in str(caught.value)) is (how == "submit")


def test_a_result_comes_through_the_proxy(environment: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []

    async def nobody(host: str) -> list[str]:
        raise OSError(None, f"{host}: no name server")

    async def work() -> None:
        async with proxy(b"HTTP/1.1 502 No\r\n\r\n", lines) as address:
            given(environment, {"HTTPS_PROXY": address})
            http = Http("https://api.example", "key", key_name="KEY", lookup=nobody)
            async with http:
                async for _ in http.retrieve("https://store.example/clip.mp4"):
                    pass

    with pytest.raises(ProviderError):
        asyncio.run(work())

    assert lines[0] == b"CONNECT store.example:443 HTTP/1.1\r\n"
    assert b"Bearer" not in b"".join(lines)


@pytest.mark.parametrize(
    ("host", "words"),
    [("inner.example", "10.0.0.7 is not a public address"), ("proxy.office", "is the proxy")],
)
def test_a_strangers_word_leads_through_the_proxy_into_no_private_place(
    environment: pytest.MonkeyPatch, host: str, words: str
) -> None:
    async def inner(_host: str) -> list[str]:
        return ["10.0.0.7"]

    given(environment, {"HTTPS_PROXY": OFFICE})
    resolver = CheckedResolver(Rules(), inner)

    with pytest.raises(AddressError, match=words):
        asyncio.run(proxies.way_to(URL(f"https://{host}/clip.mp4"), resolver))
