from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest

from seedrender.errors import ConfigError
from seedrender.providers.addresses import AddressError, CheckedResolver, Rules, look_up, networks

LOOPBACK = Rules(allowed=(ip_network("127.0.0.0/8"),))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://127.0.0.1/a.png", id="loopback"),
        pytest.param("https://169.254.169.254/latest/meta-data/", id="cloud-metadata"),
        pytest.param("https://10.0.0.5/a.png", id="private"),
        pytest.param("https://100.64.0.1/a.png", id="carrier-nat"),
        pytest.param("https://192.168.1.1/a.png", id="home"),
        pytest.param("https://0.0.0.0/a.png", id="unspecified"),
        pytest.param("https://224.0.0.1/a.png", id="multicast"),
        pytest.param("https://255.255.255.255/a.png", id="broadcast"),
        pytest.param("https://[::1]/a.png", id="loopback-6"),
        pytest.param("https://[::]/a.png", id="unspecified-6"),
        pytest.param("https://[fe80::1]/a.png", id="link-local-6"),
        pytest.param("https://[fd00::1]/a.png", id="unique-local-6"),
        pytest.param("https://[::ffff:127.0.0.1]/a.png", id="mapped"),
        pytest.param("https://[::ffff:a9fe:a9fe]/a.png", id="mapped-in-hex"),
        pytest.param("https://[::127.0.0.1]/a.png", id="compatible"),
        pytest.param("https://[64:ff9b::169.254.169.254]/a.png", id="nat64"),
        pytest.param("https://[2002:7f00:1::]/a.png", id="6to4"),
        pytest.param("https://[2001:0:0:0:0:0:5601:5601]/a.png", id="teredo"),
        pytest.param("https://2130706433/a.png", id="decimal"),
        pytest.param("https://0x7f000001/a.png", id="hexadecimal"),
        pytest.param("https://0177.0.0.1/a.png", id="octal"),
        pytest.param("https://127.1/a.png", id="short"),
        pytest.param("https://2852039166./a.png", id="decimal-with-a-dot"),
        pytest.param("https://①②⑦.⓪.⓪.①/a.png", id="other-digits"),
        pytest.param("https://example.com\\@127.0.0.1/a.png", id="backslash"),
        pytest.param("https://user:secret@example.com/a.png", id="password"),
        pytest.param("https://example.com:0/a.png", id="port-zero"),
        pytest.param("https://example.com:99999/a.png", id="no-port"),
        pytest.param("http://example.com/a.png", id="not-https"),
        pytest.param("http://127.0.0.1/a.png", id="http-on-loopback"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("gopher://example.com/", id="gopher"),
        pytest.param("//example.com/a.png", id="relative"),
        pytest.param("https:///a.png", id="no-host"),
        pytest.param("https://exa mple.com/", id="space"),
        pytest.param("https://example.com/\r\nHost: x", id="line-break"),
        pytest.param("", id="empty"),
    ],
)
def test_an_address_that_is_not_public_is_not_looked_at(url: str) -> None:
    with pytest.raises(AddressError):
        Rules().check_url(url)


def test_a_public_address_is_kept_as_it_is_written() -> None:
    url = "https://cdn.example.org:8443/a%2Fb.png?sig=a%2Bb%3D"

    assert str(Rules().check_url(url)) == url


def test_only_what_is_allowed_is_allowed() -> None:
    assert LOOPBACK.check_url("http://127.0.0.1:8080/a.png").port == 8080
    assert LOOPBACK.check_url("https://[::ffff:127.0.0.1]/a.png")
    with pytest.raises(AddressError):
        LOOPBACK.check_url("https://10.0.0.1/")
    with pytest.raises(AddressError):
        LOOPBACK.check_url("http://[::1]/")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(["127.0.0.1"], id="loopback"),
        pytest.param(["93.184.216.34", "127.0.0.1"], id="one-of-two"),
        pytest.param(["2606:2800:220:1::1", "fe80::1%eth0"], id="link-local-with-zone"),
        pytest.param(["::ffff:10.0.0.1"], id="mapped"),
    ],
)
def test_a_name_is_refused_if_one_of_its_addresses_is(answers: Sequence[str]) -> None:
    async def lookup(host: str) -> Sequence[str]:
        assert host == "innocent.example"
        return answers

    with pytest.raises(AddressError, match=r"innocent\.example: .* is not a public address"):
        asyncio.run(CheckedResolver(Rules(), lookup).resolve("innocent.example", 443))


def test_a_name_resolves_to_the_addresses_that_were_checked() -> None:
    async def lookup(_host: str) -> Sequence[str]:
        return ["93.184.216.34", "2606:2800:220:1::1"]

    rows = asyncio.run(CheckedResolver(Rules(), lookup).resolve("cdn.example", 443))

    assert [(row["host"], row["port"]) for row in rows] == [
        ("93.184.216.34", 443),
        ("2606:2800:220:1::1", 443),
    ]


def test_a_name_without_an_address_is_an_error_of_the_network() -> None:
    async def lookup(_host: str) -> Sequence[str]:
        return []

    with pytest.raises(OSError, match=r"nowhere\.example"):
        asyncio.run(CheckedResolver(Rules(), lookup).resolve("nowhere.example"))


def test_the_system_resolves_odd_spellings_which_the_check_then_sees() -> None:
    found = asyncio.run(look_up("127.1"))

    assert [ip_address(text).is_loopback for text in found] == [True]


def test_networks_of_the_command_line_are_read() -> None:
    assert networks(["10.1.0.0/16", "::1"]) == (ip_network("10.1.0.0/16"), ip_network("::1"))
    with pytest.raises(ConfigError, match="--allow-address intern"):
        networks(["intern"])


@pytest.mark.parametrize("host", ["cdn..example.org", "....", f"{'x' * 64}.example.org"])
def test_a_name_that_no_host_has_is_not_found(host: str) -> None:
    with pytest.raises(OSError, match="is no name of a host"):
        asyncio.run(look_up(host))
