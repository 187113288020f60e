"""Turns the encoded body of an answer into its content, in steps that are never large."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import aiohttp

from seedrender.errors import ArtifactError

STEP_BYTES = 256 * 2**10

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB_METHOD = 8  # in the low half of the first byte of what has zlib's header
_GZIP_BEGINS = 0x1F
_MAX_MEMBERS = 1000  # that one gzip body may consist of
_UNREADABLE = frozenset({"compress", "x-compress", "zstd", "dcb", "dcz", "exi", "pack200-gzip"})


class Decoder(Protocol):
    """Decodes one body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes of the body. Raises: ArtifactError where they are damaged."""
        ...

    def finish(self) -> None:
        """Take note of the end of the body. Raises: ArtifactError where more is missing."""
        ...


def of(response: aiohttp.ClientResponse) -> str:
    """Return how a body is encoded, as all its headers say; empty: it is not."""
    found = ",".join(response.headers.getall("Content-Encoding", []))
    return "" if found.strip().lower() == "identity" else found


def decoder(encodings: str) -> Decoder | None:
    """Choose by a Content-Encoding; None: the body is its content.

    A word that names no compression (`aws-chunked`, `utf-8`) is what stores keep by mistake.

    Raises: ArtifactError where it cannot be decoded here.
    """
    words = [word.strip().lower() for word in encodings.split(",")]
    if any(word in _UNREADABLE for word in words):
        raise _unreadable(words)
    packed = [word for word in words if word in _DECODERS]
    if len(packed) > 1:
        raise _unreadable(words)
    return _DECODERS[packed[0]]() if packed else None


def _unreadable(words: list[str]) -> ArtifactError:
    known = [word for word in words if word in _UNREADABLE or word in _DECODERS]
    return ArtifactError(
        f"the body is encoded as {', '.join(known[:3])}, which was not asked for and cannot be "
        "decoded here"
    )


class _Zlib:
    """Decodes what zlib can: gzip, and deflate with its header or without."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._stream: Any = None  # none yet: the first byte decides which
        self._members = 0
        self._is_plain = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None and data:
            self._begin(data[0])
        if self._is_plain:
            yield data
            return
        try:
            yield from self._decoded(data)
        except zlib.error:
            raise ArtifactError(f"the {self._word} encoding of the body is damaged") from None

    def _begin(self, first: int) -> None:
        if self._word == "deflate":
            has_header = first & 0xF == _ZLIB_METHOD
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
            return
        self._is_plain = first != _GZIP_BEGINS  # decoded on its way by somebody who left the header
        self._stream = zlib.decompressobj(_GZIP)

    def _decoded(self, data: bytes) -> Iterator[bytes]:
        has_more = False  # that zlib holds back, because a step was full
        while data or has_more:
            if self._stream.eof:
                data = data.lstrip(b"\0") if self._word == "gzip" else b""
                if not data:
                    return
                self._next_member()
            step = self._stream.decompress(data, STEP_BYTES)
            if step:
                yield step
            has_more = len(step) == STEP_BYTES
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def _next_member(self) -> None:
        self._members += 1
        if self._members >= _MAX_MEMBERS:
            raise ArtifactError(f"the body consists of more than {_MAX_MEMBERS} gzip members")
        self._stream = zlib.decompressobj(_GZIP)

    def finish(self) -> None:
        if not (self._stream is None or self._is_plain or self._stream.eof):
            raise ArtifactError(f"the body ended within its {self._word} encoding")


class _Brotli:
    """Decodes brotli where its package is installed, and can decode in steps."""

    def __init__(self) -> None:
        try:
            module: Any = importlib.import_module("brotli")
            self._stream = module.Decompressor()
            self._error: type[Exception] = module.error
            _ = self._stream.can_accept_more_data  # older ones decode without any bound
        except (ImportError, AttributeError):
            raise ArtifactError(
                "the body is encoded as br, which was not asked for; to read it, "
                "pip install 'brotli>=1.2'"
            ) from None

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            has_more = True
            while has_more and not self._stream.is_finished():
                step = self._stream.process(data, output_buffer_limit=STEP_BYTES)
                data, has_more = b"", bool(step)
                if step:
                    yield step
        except self._error:
            raise ArtifactError("the br encoding of the body is damaged") from None

    def finish(self) -> None:
        if not self._stream.is_finished():
            raise ArtifactError("the body ended within its br encoding")


_DECODERS: Mapping[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib("gzip"),
    "x-gzip": lambda: _Zlib("gzip"),
    "deflate": lambda: _Zlib("deflate"),
    "br": _Brotli,
}
