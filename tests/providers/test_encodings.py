from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import ArtifactError
from seedrender.providers import encodings
from seedrender.providers.encodings import STEP_BYTES, decoder

ENCODINGS = ("gzip", "x-gzip", "deflate", "raw deflate")


def packed(data: bytes, encoding: str) -> bytes:
    bits = {"deflate": zlib.MAX_WBITS, "raw deflate": -zlib.MAX_WBITS}.get(encoding, 31)
    stream = zlib.compressobj(wbits=bits)
    return stream.compress(data) + stream.flush()


def steps(body: bytes, encoding: str, size: int) -> Iterator[bytes]:
    found = decoder(encoding.removeprefix("raw "))
    assert found is not None
    for start in range(0, len(body), size):
        yield from found.feed(body[start : start + size])
    found.finish()


@given(st.binary(max_size=5000), st.sampled_from(ENCODINGS), st.integers(1, 6000))
def test_whatever_was_packed_comes_out_however_it_is_cut(
    data: bytes, encoding: str, size: int
) -> None:
    assert b"".join(steps(packed(data, encoding), encoding, size)) == data


@given(st.binary(min_size=1, max_size=2000), st.sampled_from(ENCODINGS), st.data())
def test_a_body_that_is_cut_is_never_taken_for_a_whole_one(
    data: bytes, encoding: str, more: st.DataObject
) -> None:
    whole = packed(data, encoding)
    end = more.draw(st.integers(1, len(whole) - 1))

    with pytest.raises(ArtifactError, match=r"ended within its|damaged"):
        list(steps(whole[:end], encoding, 100))


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5), st.integers(1, 99))
def test_gzip_members_are_one_file_and_zeros_after_them_are_none(
    parts: list[bytes], size: int
) -> None:
    body = b"".join(map(gzip.compress, parts)) + bytes(20)

    assert b"".join(steps(body, "gzip", size)) == b"".join(parts)


@pytest.mark.parametrize("exact", [STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, 3 * STEP_BYTES])
def test_nothing_stays_behind_where_a_step_is_full(exact: int) -> None:
    assert b"".join(steps(gzip.compress(bytes(exact)), "gzip", 1 << 20)) == bytes(exact)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bomb_is_unfolded_in_steps_that_are_never_large(encoding: str) -> None:
    bomb = packed(bytes(64 * 2**20), encoding)

    tracemalloc.start()
    try:
        sizes = [len(step) for step in steps(bomb, encoding, STEP_BYTES)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert sum(sizes) == 64 * 2**20
    assert max(sizes) <= STEP_BYTES
    assert peak < 8 * STEP_BYTES


def test_members_without_content_do_not_go_on_for_ever() -> None:
    with pytest.raises(ArtifactError, match="more than 1000 gzip members"):
        list(steps(gzip.compress(b"") * 2000, "gzip", 1000))


@pytest.mark.parametrize(
    "words", ["", "identity", "aws-chunked", "utf-8", "binary", "none, identity"]
)
def test_a_word_that_names_no_compression_changes_nothing(words: str) -> None:
    assert decoder(words) is None


def test_a_header_that_somebody_left_behind_changes_nothing() -> None:
    clip = b"\0\0\0\x20ftypisom and so on"

    assert b"".join(steps(clip, "gzip", 5)) == clip


@pytest.mark.parametrize("words", ["zstd", "compress", "gzip, gzip", "gzip, zstd", "GZIP,deflate"])
def test_what_cannot_be_decoded_is_said(words: str) -> None:
    with pytest.raises(ArtifactError, match="cannot be decoded here"):
        decoder(words)


def test_garbage_is_said_to_be_damaged() -> None:
    with pytest.raises(ArtifactError, match="the gzip encoding of the body is damaged"):
        list(steps(b"\x1f\x8b" + b"garbage" * 9, "gzip", 100))


def test_brotli_is_decoded_in_steps_where_its_package_is_there() -> None:
    brotli = pytest.importorskip("brotli", minversion="1.2")
    content = bytes(20 * 2**20)
    body = brotli.compress(content, quality=1)

    found = list(steps(body, "br", 1000))

    assert b"".join(found) == content
    assert max(map(len, found)) <= 2 * STEP_BYTES
    with pytest.raises(ArtifactError, match="ended within its br encoding"):
        list(steps(body[:-1], "br", 1000))
    with pytest.raises(ArtifactError, match="the br encoding of the body is damaged"):
        list(steps(b"\xff" * 100, "br", 1000))


class _Absent:
    def import_module(self, name: str) -> object:
        raise ImportError(name)


def test_without_its_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "importlib", _Absent())

    with pytest.raises(ArtifactError, match="pip install"):
        decoder("br")
