from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import ConfigError
from seedrender.providers import keys, registry
from seedrender.values.provider import Limits

KEY = "planted-key-1234"
CASES = [
    (f"{KEY}\r", "ends with a carriage return (a .env file with Windows line ends?)"),
    (f"{KEY}\r\n", "ends with a carriage return (a .env file with Windows line ends?)"),
    (f"{KEY}\n", "ends with a line break"),
    (f"{KEY} ", "begins or ends with white space"),
    (f"\t{KEY}", "begins or ends with white space"),
    (f"{KEY} {KEY}", "holds characters that no key has"),
    (f"{KEY}\nX-Evil: 1", "holds characters that no key has"),
    (f"{KEY}é", "holds characters that no key has"),
    (f"{KEY}\udcff", "holds characters that no key has"),
    (f"{KEY}\0", "holds characters that no key has"),
    ("", "is not set"),
    (" ", "begins or ends with white space"),
]


@pytest.mark.parametrize(("key", "words"), CASES)
@pytest.mark.parametrize("route", ["modellix", "byteplus"])
def test_a_key_that_can_be_no_header_is_said_before_anything_is_sent(
    route: str, key: str, words: str
) -> None:
    name = registry.ROUTES[route].key_name

    async def enter() -> None:
        limits = Limits(concurrency=1, requests_per_minute=60)
        async with registry.online(route, {name: key}, limits):
            pytest.fail("a session was opened")

    with pytest.raises(ConfigError) as caught:
        asyncio.run(enter())

    assert str(caught.value) == f"{name} {words}; nothing was sent"


@given(st.text(max_size=20))
def test_a_key_is_taken_as_it_is_or_not_at_all(key: str) -> None:
    if keys.fault(key):
        with pytest.raises(ConfigError):
            keys.checked("KEY", key)
    else:
        assert keys.checked("KEY", key) == key
        assert key.isascii()
        assert key.isprintable()
        assert " " not in key
