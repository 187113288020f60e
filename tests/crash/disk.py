"""Stands between a run and its disk: sees every write, and can let any of them fail or take long."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from tests.crash.film import WORLD

_WRITES = frozenset("wax+")
Watcher = Callable[[str, Path], None]


def _nothing(kind: str, path: Path) -> None:
    del kind, path


class Disk:
    """Calls `before` and `after` around whatever changes a file in a folder, but for the world's.

    One operation at a time: what a watcher sees is a state in which the process could have died.
    An OSError from `before` is what the operation raises.
    """

    def __init__(self, folder: Path, before: Watcher = _nothing, after: Watcher = _nothing) -> None:
        self._folder = folder.resolve()
        self._world = self._folder / WORLD
        self._before, self._after = before, after
        self.quiet = threading.RLock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._real_open = io.open
        replaced: dict[str, Any] = {
            "io.open": self._open,
            "os.open": self._descriptor(os.open, "open"),
            "os.write": self._by_descriptor(os.write, "write"),
            "os.fsync": self._by_descriptor(os.fsync, "fsync"),
            "os.fdatasync": self._by_descriptor(os.fdatasync, "fsync"),
            "os.ftruncate": self._by_descriptor(os.ftruncate, "truncate"),
            "os.replace": self._by_path(os.replace, "rename"),
            "os.rename": self._by_path(os.rename, "rename"),
            "os.link": self._by_path(os.link, "link"),
            "os.unlink": self._by_path(os.unlink, "unlink"),
            "os.remove": self._by_path(os.remove, "unlink"),
            "os.mkdir": self._by_path(os.mkdir, "mkdir"),
        }
        for name, function in replaced.items():
            self._stack.enter_context(patch(name, function))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @contextmanager
    def operation(self, kind: str, path: Path | None) -> Iterator[None]:
        """Let one change happen between the two watchers."""
        if path is None:
            yield
            return
        with self.quiet:
            self._before(kind, path)
            yield
            self._after(kind, path)

    def _ours(self, name: Any) -> Path | None:
        """Return the path if what happens to it is of interest."""
        if isinstance(name, int):
            try:
                name = Path(f"/proc/self/fd/{name}").readlink()
            except OSError:
                return None
        path = Path(os.path.abspath(os.fsdecode(name)))  # noqa: PTH100 - of a link, not its target
        is_inside = path.is_relative_to(self._folder) and not path.is_relative_to(self._world)
        return path if is_inside else None

    def _by_path(self, real: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def changed(name: Any, *args: Any, **options: Any) -> Any:
            with self.operation(kind, self._ours(name)):
                return real(name, *args, **options)

        return changed

    def _by_descriptor(self, real: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def changed(descriptor: Any, *args: Any) -> Any:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            with self.operation(kind, self._ours(number)):
                return real(descriptor, *args)

        return changed

    def _descriptor(self, real: Callable[..., int], kind: str) -> Callable[..., int]:
        def opened(name: Any, flags: int, *args: Any, **options: Any) -> int:
            is_change = flags & (os.O_CREAT | os.O_TRUNC)
            with self.operation(kind, self._ours(name) if is_change else None):
                return real(name, flags, *args, **options)

        return opened

    def _open(self, name: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        path = self._ours(name) if _WRITES & set(mode) else None
        if path is None:
            return self._real_open(name, mode, *args, **options)
        with self.operation("open", path):
            file = self._real_open(name, mode, *args, **options)
        return _Watched(file, path, self)


class _Watched:
    """An open file whose changes are operations."""

    def __init__(self, file: Any, path: Path, disk: Disk) -> None:
        self._file, self._path, self._disk = file, path, disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def write(self, data: Any) -> Any:
        with self._disk.operation("write", self._path):
            return self._file.write(data)

    def flush(self) -> None:
        with self._disk.operation("flush", self._path):
            self._file.flush()

    def truncate(self, size: int | None = None) -> Any:
        with self._disk.operation("truncate", self._path):
            return self._file.truncate(size)

    def close(self) -> None:
        if not self._file.closed:
            with self._disk.operation("close", self._path):
                self._file.close()
