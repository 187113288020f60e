"""Writes text to streams that may be full, closed, narrow, dead or slow, without harm to the work.

A `Sink` writes at once and says what went wrong; an `Outlet` writes in a thread of its own, so that
a reader who stops reading (a pager, Ctrl-S, a full pipe) holds up nothing that is paid for.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import stat
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import IO

from seedrender.errors import ConfigError

_ROOM = 8 << 20  # characters that wait for a reader; what comes after that is left out
_PATIENCE_S = 30.0  # at the end, for a reader that takes nothing
_LOOK_S = 0.1
_BLOCK_BYTES = 1 << 16


class Sink:
    """One stream, by its descriptor where it has one, so that no buffer fails later."""

    def __init__(self, stream: IO[str] | int | None) -> None:
        self._stream = None if isinstance(stream, int) else stream
        self.descriptor = stream if isinstance(stream, int) else _descriptor(stream)
        self.encoding = _encoding(self._stream)
        self.moved_at = time.monotonic()  # when a reader took something last

    @property
    def is_terminal(self) -> bool:
        """Whether a person sits before it."""
        try:
            if self.descriptor is not None:
                return os.isatty(self.descriptor)
            return self._stream is not None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def write(self, text: str) -> None:
        """Write all of it; what the encoding lacks is written as escapes.

        Raises: OSError, ValueError.
        """
        if self.descriptor is None:
            if self._stream is not None:
                shown = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
                self._stream.write(shown)
                self._stream.flush()
            return
        left = memoryview(text.encode(self.encoding, "backslashreplace"))
        while left:
            try:
                left = left[os.write(self.descriptor, left[:_BLOCK_BYTES]) :]
            except BlockingIOError:  # somebody else has set it so
                _await_room(self.descriptor)
            self.moved_at = time.monotonic()


def _descriptor(stream: IO[str] | None) -> int | None:
    if stream is None:
        return None
    try:
        stream.flush()
        found = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, int) and found >= 0 else None


def _encoding(stream: IO[str] | None) -> str:
    name = getattr(stream, "encoding", None) or "utf-8"
    try:
        codecs.lookup(name)
        "".encode(name, "backslashreplace")
    except (LookupError, TypeError):
        return "utf-8"
    return str(name)


def _await_room(descriptor: int) -> None:
    waits = select.poll()
    waits.register(descriptor, select.POLLOUT)
    waits.poll(1000 * _LOOK_S)


class Outlet(io.TextIOBase):
    """A stream that takes text at once, never fails, and writes in a thread of its own."""

    def __init__(self, stream: IO[str] | int | None, *, is_owned: bool = False) -> None:
        self._sink = Sink(stream)
        self._is_owned = is_owned  # closed with this
        self._texts: list[str] = []
        self._waiting = self._left_out = 0  # characters
        self._is_closing = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.failure: Exception | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io's is an attribute
        """The encoding of what is written."""
        return self._sink.encoding

    def isatty(self) -> bool:
        """Say whether a person sits before it."""
        return self._sink.is_terminal

    def fileno(self) -> int:
        """Return the descriptor. Raises: OSError where there is none."""
        if self._sink.descriptor is None:
            raise io.UnsupportedOperation("fileno")
        return self._sink.descriptor

    def writable(self) -> bool:
        """Say that text may be written."""
        return True

    def write(self, text: str) -> int:
        """Take text; it is on its way when this returns."""
        with self._changed:
            is_full = self._waiting + len(text) > _ROOM
            if is_full or self._is_closing or self.failure is not None:
                self._left_out += len(text)
            elif self._has_thread():
                self._waiting += len(text)
                self._texts.append(text)
                self._changed.notify()
            else:
                self._put(text)
        return len(text)

    def flush(self) -> None:
        """Wait for nothing."""

    def finish(self) -> str:
        """Write what waits, and return in words what could not be written.

        A reader that takes nothing for half a minute, or a Ctrl-C, ends the wait.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        try:
            self._join()
        except KeyboardInterrupt:
            self._left_out += self._waiting
        if self._is_owned and self._sink.descriptor is not None and not self._is_alive():
            try:
                os.close(self._sink.descriptor)
            except OSError as error:  # some file systems say here that there was no room
                self.failure = self.failure or error
        if self.failure is not None:
            return str(getattr(self.failure, "strerror", None) or self.failure)
        if self._left_out:
            return f"the reader was too slow: {self._left_out} characters were left out"
        return ""

    def _has_thread(self) -> bool:
        """Start the thread with the first text; False: the machine gives us none."""
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="outlet", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _join(self) -> None:
        self._sink.moved_at = time.monotonic()
        while self._is_alive():
            assert self._thread is not None, "it is alive"
            self._thread.join(_LOOK_S)
            if time.monotonic() - self._sink.moved_at > _PATIENCE_S:
                self._left_out += self._waiting
                return

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._texts or self._is_closing)
                if not self._texts:
                    return
                text = "".join(self._texts)
                self._texts.clear()
            self._put(text)
            with self._changed:
                self._waiting -= len(text)

    def _put(self, text: str) -> None:
        if self.failure is None:
            try:
                self._sink.write(text)
            except (OSError, ValueError) as error:
                self.failure = error


def open_file(path: Path, option: str, ours: Collection[Path]) -> int:
    """Open a file that a person names for what a run tells, and return its descriptor.

    What is in the file stays. Pipes and devices are taken as they are; links to files are not.

    Raises: ConfigError where it cannot be written, or is one of the project's own files.
    """
    if any(_is_same(path, own) for own in ours):
        raise ConfigError(f"{option} {path} is a file of the project; name another one")
    try:
        descriptor = _opened(path)
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        is_link = path.is_symlink() and path.parts[1:2] not in (("dev",), ("proc",))
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise ConfigError(f"{option} {path} cannot be written: {words}; nothing was sent") from None
    if is_file and is_link:  # of /dev, /dev/stdout is one
        os.close(descriptor)
        raise ConfigError(f"{option} {path} is a link to a file; nothing was sent")
    return descriptor


def _opened(path: Path) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return os.open(path, flags)


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.resolve() == other.resolve() or path.samefile(other)
    except OSError:
        return False
