"""Units of packets, each behind its length."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.media import units


def packet(parts: list[bytes], length: int) -> bytes:
    return b"".join(len(part).to_bytes(length) + part for part in parts)


@given(st.lists(st.binary(min_size=1, max_size=50)), st.sampled_from([1, 2, 4]))
def test_units_that_fill_their_packet_are_whole(parts: list[bytes], length: int) -> None:
    whole = packet(parts, length)

    assert units.are_whole(whole, length)
    assert units.are_whole(whole + bytes(20), length)
    assert not units.are_whole(whole + bytes(200), length)
    assert not units.are_whole(whole + b"\xff" * length + b"x", length)


@pytest.mark.parametrize(
    ("name", "extra", "found"),
    [
        ("h264", b"\x01\x64\x00\x1f\xff", 4),
        ("h264", b"\x01\x64\x00\x1f\xfc", 1),
        ("h264", b"\0\0\0\x01\x67", None),  # behind start codes
        ("h264", b"\x01", None),
        ("h264", None, None),
        ("hevc", b"\x01" + bytes(20) + b"\x03", 4),
        ("hevc", b"\0" + bytes(20) + b"\x01", None),
        ("vp9", b"\x01" * 30, None),
    ],
)
def test_how_long_a_length_is_stands_in_the_configuration(
    name: str, extra: bytes | None, found: int | None
) -> None:
    context = SimpleNamespace(name=name, extradata=extra)

    assert units.length_bytes(cast(Any, SimpleNamespace(codec_context=context))) == found
