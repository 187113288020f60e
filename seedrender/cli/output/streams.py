"""Makes standard output and standard error safe to print to: full, closed, narrow or dead."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from seedrender.errors import printable
from seedrender.run.outlet import Sink

_GONE = (errno.EPIPE, errno.EBADF)  # a reader that has seen enough; a stream that nobody gave us
_LAYOUT = "\n\t"


class SafeStream(io.TextIOBase):
    """A text stream that never raises: what it could not write is remembered as its failure.

    What its encoding lacks is written as escapes, and on a terminal control characters, too.
    """

    errors = "backslashreplace"

    def __init__(self, stream: IO[str] | None) -> None:
        self._sink = Sink(stream)
        self._is_terminal = self._sink.is_terminal
        self.failure: Exception | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io's is an attribute
        """The encoding of what is written."""
        return self._sink.encoding

    @property
    def trouble(self) -> str:
        """Say why something could not be written; empty where nobody would want to know."""
        is_gone = isinstance(self.failure, OSError) and self.failure.errno in _GONE
        if self.failure is None or is_gone:
            return ""
        return str(getattr(self.failure, "strerror", None) or self.failure)

    def write(self, text: str | bytes) -> int:
        """Write text, as far as possible. Raises: TypeError for no bytes: click asks so."""
        if isinstance(text, bytes):
            if not text:
                raise TypeError("this stream takes text")
            text = text.decode("utf-8", "replace")
        self.put(_visible(text) if self._is_terminal else text)
        return len(text)

    def put(self, text: str) -> None:
        """Write text with its control sequences, which are our own."""
        if self.failure is None and text:
            try:
                self._sink.write(text)
            except (OSError, ValueError) as error:
                self.failure = error

    def flush(self) -> None:
        """Have nothing to flush."""

    def isatty(self) -> bool:
        """Say whether a person sits before it."""
        return self._is_terminal

    def fileno(self) -> int:
        """Return the descriptor. Raises: OSError where there is none."""
        if self._sink.descriptor is None:
            raise io.UnsupportedOperation("fileno")
        return self._sink.descriptor

    def writable(self) -> bool:
        """Say that text may be written."""
        return True


def _visible(text: str) -> str:
    """Show what a terminal would obey as escapes; line ends and tabs stay."""
    if text.isprintable():
        return text
    for sign in _LAYOUT:
        if sign in text:
            return sign.join(map(_visible, text.split(sign)))
    return printable(text)


@contextmanager
def safe_streams() -> Iterator[tuple[SafeStream, SafeStream]]:
    """Put safe streams in the place of `sys.stdout` and `sys.stderr`."""
    _plug()
    before = sys.stdout, sys.stderr
    out, err = SafeStream(sys.stdout), SafeStream(sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr = before


def _plug() -> None:
    """Open nothing in the place of a standard stream that is closed.

    A file of ours would get its number, and whatever a library prints would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            try:
                os.open(os.devnull, os.O_RDWR)  # gets the lowest number: this one
            except OSError:
                return


def control(text: str) -> None:
    """Send control sequences of our own to the terminal behind standard error."""
    if isinstance(sys.stderr, SafeStream):
        sys.stderr.put(text)
    elif sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()
