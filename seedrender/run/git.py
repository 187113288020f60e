"""Reads files of a commit out of git's database: no checkout, no index, no working tree."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from posixpath import normpath
from typing import IO

from seedrender.errors import ConfigError, NoFileError, printable
from seedrender.project import lfs
from seedrender.project.roots import repository

IGNORED = "take it out of .gitignore: other clones buy again what it knows"  # of a lockfile
_MAX_TEXT_BYTES = 64 * 2**20
_BLOCK_BYTES = 1 << 18
_MAX_WORDS = 200  # of git's own
_WAIT_S = 60.0  # for an answer
_FOUND = re.compile(rb"[0-9a-f]{40,64} (blob|tree|commit|tag) ([0-9]+)\n")
_LINK = re.compile(rb"(?:dangling|loop|notdir|symlink) ([0-9]+)\n")
# Settings of the repository may name programs: nothing is fetched, and no one is asked what has
# changed. A folder of the tree that looks like a bare repository must not bring settings either.
_SETTINGS = ("safe.bareRepository=explicit", "core.fsmonitor=false", "protocol.allow=never")
_GIT = ("git", "--no-replace-objects", *(word for one in _SETTINGS for word in ("-c", one)))


class Commit:
    """One commit; its files are named relative to a folder of the repository."""

    def __init__(self, oid: str, prefix: str, ask: IO[bytes], answer: IO[bytes]) -> None:
        self.oid = oid
        self._prefix, self._ask, self._answer = prefix, ask, answer

    def has(self, name: str) -> bool:
        """Say whether there is such a file."""
        size = self._seek(name)
        if size is None:
            return False
        for _ in self._blocks(size):
            pass
        return True

    def text(self, name: str) -> str:
        """Return a text file. Raises: NoFileError; ConfigError, also where it is not UTF-8."""
        size = self._seek(name)
        if size is None:
            raise NoFileError(f"{printable(name)} is no file in {self.oid[:12]}")
        if size > _MAX_TEXT_BYTES:
            raise ConfigError(f"{printable(name)} is larger than {_MAX_TEXT_BYTES // 2**20} MiB")
        data = b"".join(self._blocks(size))
        try:
            return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{printable(name)}: byte {error.start} is not UTF-8") from None

    def sha256(self, name: str) -> str | None:
        """Return the digest of a file's bytes, also of one that Git LFS keeps; None: no file."""
        size = self._seek(name)
        if size is None:
            return None
        digest, head = hashlib.sha256(), b""
        for block in self._blocks(size):
            digest.update(block)
            head = head or block
        return (lfs.pointed_at(head) if size <= lfs.MOST_BYTES else None) or digest.hexdigest()

    def _seek(self, name: str) -> int | None:
        """Ask for a file, links followed; return its size, with its bytes next. None: no file."""
        path = normpath(f"{self._prefix}{name}")
        if name.startswith("/") or path.split("/")[0] == ".." or "\n" in path or "\0" in path:
            return None
        self._ask.write(f"{self.oid}:{path}\n".encode("utf-8", "surrogateescape"))
        self._ask.flush()
        head = self._answer.readline()
        found = _FOUND.fullmatch(head)
        if found is not None and found[1] == b"blob":
            return int(found[2])
        other = found[2] if found is not None else None
        link = _LINK.fullmatch(head)
        other = link[1] if link is not None else other
        if other is not None:
            for _ in self._blocks(int(other)):
                pass
        elif not head:
            raise ConfigError("git ended before it had answered; nothing was sent")
        return None

    def _blocks(self, size: int) -> Iterator[bytes]:
        left = size + 1  # git ends every answer with a newline
        while left:
            block = self._answer.read(min(left, _BLOCK_BYTES))
            if not block:
                raise ConfigError("git ended in the middle of a file; nothing was sent")
            left -= len(block)
            yield block if left else block[:-1]


@contextmanager
def commit(folder: Path, ref: str) -> Iterator[Commit]:
    """Open what a ref of the repository around a folder names. Raises: ConfigError."""
    prefix = asked(folder, "rev-parse", "--show-prefix").removesuffix("\n")
    oid = _resolved(folder, ref)
    command = [*_GIT, "cat-file", "--batch", "--follow-symlinks"]
    with subprocess.Popen(  # noqa: S603 - words of our own; the commit is a number
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        try:
            yield Commit(oid, prefix, process.stdin, process.stdout)
        except BrokenPipeError:
            raise ConfigError("git ended before it had answered; nothing was sent") from None
        finally:
            process.kill()  # it may stand in the middle of a file


def _resolved(folder: Path, ref: str) -> str:
    """Return the commit that a ref names; git refuses what does not name one."""
    is_name = bool(ref) and not ref.startswith("-") and "\0" not in ref
    revision = f"{ref if is_name else '?'}^{{commit}}"
    try:
        return asked(folder, "rev-parse", "--verify", "--end-of-options", revision).strip()
    except ConfigError:
        raise ConfigError(
            f"--against {printable(ref)}: there is no such commit here. Give a branch, a tag or a "
            "commit; in CI, check out the whole history. Nothing was sent"
        ) from None


def asked(folder: Path, *words: str) -> str:
    """Return what git answers. Raises: ConfigError with its own words."""
    return os.fsdecode(_answer(folder, *words))


def blob(folder: Path, name: str) -> bytes:
    """Return a file of git's database by the name of its object. Raises: ConfigError."""
    return _answer(folder, "cat-file", "blob", name)


def _answer(folder: Path, *words: str) -> bytes:
    try:
        done = _run(folder, *words)
    except FileNotFoundError:
        raise ConfigError("git is not installed, or not on the PATH; nothing was sent") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"git has not answered within {_WAIT_S:.0f} s (is a file that it reads a pipe?); "
            "nothing was sent"
        ) from None
    if done.returncode != 0:
        words_of_git = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        said = printable(words_of_git)[:_MAX_WORDS] or f"exit code {done.returncode}"
        raise ConfigError(f"git: {said}; nothing was sent")
    return done.stdout


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run git to its end. Raises: OSError; TimeoutExpired."""
    return subprocess.run(  # noqa: S603 - no shell, and nothing that starts with a dash
        [*_GIT, *words],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        check=False,
        timeout=_WAIT_S,
    )


def _environment() -> dict[str, str]:
    """Return the environment without what would turn git to another repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    ours = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    return {**kept, **ours, "LC_ALL": "C"}


def ignores(path: Path) -> bool:
    """Say whether a working tree's git leaves a file out; not where there is none, or no git."""
    folder = path.absolute().parent
    try:
        return bool(asked(folder, "check-ignore", "--", path.name))
    except ConfigError:
        return False


def would_keep(path: Path) -> bool:
    """Say whether git would take up a file: it is in a working tree, and not ignored.

    Where there is a repository and no git to ask, it would.
    """
    folder = next(folder for folder in path.absolute().parents if folder.is_dir())
    if not (repository(folder) / ".git").exists():
        return False
    try:
        done = _run(folder, "check-ignore", "--quiet", "--no-index", "--", str(path.absolute()))
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.returncode != 0
