"""Holds a manifest for one process: nobody else may buy for its lockfile meanwhile.

Three files are locked, each by the inode that its path leads to: the manifest, a hold file under
`.seedrender/`, and the journal. Whoever comes by another path, link or mount meets at one of them.

- `git clean`, `git stash` and `rm` take hold file or journal away: their paths lead elsewhere then,
  which is seen before the next request leaves. The manifest stays locked all the while.
- An editor that saves by rename, `git checkout` and `git stash` put another manifest in place: that
  one is locked too as soon as it is seen, and the old one stays locked.
- Where all three are exchanged before the holder looks, a mark on the folder is left that every
  later run sees (`folder_mark`; on Linux).

A file system without locks gets a hold file that is made exclusively; one that was left behind is
named, and never taken.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seedrender.errors import LockError, LockHeldError
from seedrender.project import holder
from seedrender.project.files import denial
from seedrender.project.folder_mark import FolderMark
from seedrender.project.own_folder import NAME, OwnFolder

_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_MANIFESTS = 8  # saved ones that stay locked: the newest


class Hold:
    """What one process has locked of a manifest's files."""

    def __init__(self, lock_path: Path, manifest: Path) -> None:
        self._name = lock_path.name
        self._manifest = manifest
        self._hold_path, self._journal_path = hold_path(lock_path), journal_path(lock_path)
        self._mark = FolderMark(lock_path)
        self._manifests: list[int] = []
        self._hold_file: int | None = None
        self._journal: int | None = None
        self.lost = ""  # why it is not ours any more, in words

    @property
    def journal(self) -> int:
        """The journal, open for appending."""
        assert self._journal is not None, "it is held"
        return self._journal

    def take(self) -> None:
        """Lock everything. Raises: LockHeldError in the holder's own words; LockError."""
        if self._mark.is_elsewhere() or not self._follow_manifest():
            raise self._held()
        self._hold_file = self._taken(self._hold_path, is_alone=True)
        self._say_who_it_is(self._hold_file)
        self._journal = self._taken(self._journal_path)
        self._mark.set()
        if self._mark.is_elsewhere():
            raise self._held()

    def is_ours(self) -> bool:
        """Say whether every other run must meet this one; what is lost once stays lost."""
        self.lost = self.lost or self._what_is_lost()
        return not self.lost

    def remove_journal(self) -> None:
        """Remove the journal; one of another run is left alone."""
        if _leads_to(self._journal_path, self.journal):
            self._journal_path.unlink(missing_ok=True)

    def release(self) -> None:
        """Let others have it; no file of another run is removed."""
        self._mark.close()  # first: who has the files already shall not meet the mark
        if self._journal is not None:
            if os.fstat(self._journal).st_size == 0:
                self.remove_journal()
            os.close(self._journal)
        if self._hold_file is not None:
            self._drop(self._hold_file)
        for descriptor in self._manifests:
            os.close(descriptor)

    def _what_is_lost(self) -> str:
        assert self._hold_file is not None, "it is held"
        files = {self._hold_path: self._hold_file, self._journal_path: self.journal}
        gone = [path for path, file in files.items() if not _leads_to(path, file)]
        if gone:
            was = "were" if len(gone) > 1 else "was"
            return f"{' and '.join(map(_shown, gone))} {was} removed or replaced during the run"
        if not self._follow_manifest():
            return f"{self._manifest.name} was replaced, and another run holds the new one"
        return ""

    def _follow_manifest(self) -> bool:
        """Lock the manifest that is in place now; False: another run has it."""
        try:
            found = self._manifest.stat()
            if any(os.path.samestat(found, os.fstat(file)) for file in self._manifests):
                return True
            file = os.open(self._manifest, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return True  # an editor may be about to put one in place
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError:  # no locks here, or not for what is open for reading only
            os.close(file)
            return True
        self._manifests.append(file)
        if len(self._manifests) > _MOST_MANIFESTS:
            os.close(self._manifests.pop(0))
        return True

    def _taken(self, path: Path, *, is_alone: bool = False) -> int:
        """Open and lock a file; where there are no locks, a file that stands alone is made anew.

        Raises: LockHeldError, LockError.
        """
        try:
            if is_alone:
                path.parents[1].stat()  # which is not made for a lockfile
                OwnFolder(path.parents[1]).make()
            while True:
                file, is_new = _opened(path)
                try:
                    is_taken = _is_locked(file) or is_new or not is_alone
                except OSError:
                    os.close(file)
                    raise
                if is_taken and _leads_to(path, file):
                    return file
                os.close(file)
                if not is_taken:
                    raise self._left_behind()
                # else its holder ended and removed it between two calls of ours
        except BlockingIOError:
            raise self._held() from None
        except OSError as error:
            why = "it is a link" if error.errno == errno.ELOOP else denial(error, path)
            raise LockError(f"{_shown(path)} cannot be written ({why}); nothing was sent") from None

    def _say_who_it_is(self, file: int) -> None:
        line = holder.words_to_keep(self._manifest.name)
        with suppress(OSError):  # of a full disk: it is locked all the same
            os.ftruncate(file, 0)
            os.write(file, line)

    def _drop(self, file: int) -> None:
        if _leads_to(self._hold_path, file):
            with suppress(OSError):
                self._hold_path.unlink()
        os.close(file)

    def _held(self) -> LockHeldError:
        return LockHeldError(
            f"{self._name} is held by another run: {self._words()}. Wait for it, or stop it; "
            "nothing was sent"
        )

    def _words(self) -> str:
        """Say who holds it, from what that run has left in its files."""
        name = f"{self._manifest.with_suffix('.lock').name}.hold"
        elsewhere = self._manifest.parent / NAME / name  # where it was reached by another path
        ours = [] if self._hold_file is not None else [self._hold_path]
        for path in (*ours, elsewhere, self._journal_path):
            found = holder.read(path)
            if found is not None and (path != self._hold_path or ours):
                return holder.words(found)
        process = holder.process_with(self._manifest)
        if process is not None:
            return f"process {process}"
        return "one that has just started, or whose hold file was removed"

    def _left_behind(self) -> LockHeldError:
        """Say whose hold file it is, where the file system has no locks that would tell."""
        found, shown = holder.read(self._hold_path), _shown(self._hold_path)
        command = f"rm {shlex.quote(shown)}"
        why = "This file system has no locks, so that it is not taken over by itself"
        if found is None:
            words = f"{shown} does not say whose it is. {why}: if no run of it goes on, {command}"
        elif holder.is_here(found) and holder.is_alive(found):
            return self._held()
        elif holder.is_here(found):
            words = f"{shown} was left by {holder.words(found)}, which has ended. {why}: {command}"
        else:
            words = (
                f"{self._name} is held by {holder.words(found)}. {why}: if it has ended, {command}"
            )
        return LockHeldError(f"{words}; nothing was sent")


@contextmanager
def holding(lock_path: Path, manifest: Path) -> Iterator[Hold]:
    """Hold a lockfile, which is given where it really is. Raises: LockHeldError, LockError."""
    hold = Hold(lock_path, manifest.resolve())
    try:
        hold.take()
        yield hold
    finally:
        hold.release()


def journal_path(lock_path: Path) -> Path:
    """Return the journal's place beside its lockfile."""
    return lock_path.with_name(lock_path.name + ".journal")


def hold_path(lock_path: Path) -> Path:
    """Return where the hold file of a lockfile is."""
    return lock_path.parent / NAME / f"{lock_path.name}.hold"


def _opened(path: Path) -> tuple[int, bool]:
    """Open a file of ours, and say whether it is new. Raises: OSError."""
    while True:
        try:
            return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666), True
        except FileExistsError:
            pass
        with suppress(FileNotFoundError):  # its holder has just removed it
            file = os.open(path, _FLAGS)
            if not stat.S_ISREG(os.fstat(file).st_mode):
                os.close(file)
                raise OSError(errno.EINVAL, "it is not a plain file")
            return file, False


def _is_locked(file: int) -> bool:
    """Lock a file; False: this file system has no locks. Raises: BlockingIOError, OSError."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _leads_to(path: Path, file: int) -> bool:
    """Say whether a path leads to an open file, without following links."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except OSError:
        return False


def _shown(path: Path) -> str:
    """Name a file as it is seen from the lockfile's folder."""
    return f"{NAME}/{path.name}" if path.parent.name == NAME else path.name
