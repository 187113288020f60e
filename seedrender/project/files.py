"""Makes files: each is whole and lasting in its place, or is not there at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import pwd
import re
import secrets
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from seedrender.errors import ArtifactError, StorageError, printable

BLOCK_BYTES = 1 << 18
_MOST_BYTES = 1 << 29  # of a file that is read whole: a sparse one may be of any size
_DAY_S = 86_400.0
_NAME_BYTES = 60  # of the target's name, in a temporary one: short enough for every file system
_OURS = re.compile(r"\..+\.(?P<node>[0-9a-f]{6})-(?P<pid>[0-9a-f]{1,8})-[0-9a-f]{8}\.part")
_NO_FOLDER_SYNC = frozenset(
    {
        *(errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.EACCES),
        *(errno.EPERM, errno.ENOSYS, errno.EISDIR),
    }
)
_IN_USE = frozenset({errno.EBUSY, errno.ETXTBSY, errno.EACCES, errno.EPERM})
_PAUSES_S = (0.02, 0.08, 0.3)  # while another program on a share has a file open


_making: set[str] = set()  # names of this process: what is not among them was left behind


class NewFile:
    """A file in the making: under a temporary name of its own, beside the place that it is for.

    The name is drawn at random and created exclusively, so that two runs never share one and no
    link is followed. The last name of a path is never followed either: a link in the target's place
    gives way to the file, as with git.
    """

    def __init__(self, target: Path) -> None:
        """Create it. Raises: OSError."""
        self.target = target
        self.path = target.with_name(_temporary_name(target.name))
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        self.file = os.fdopen(os.open(self.path, flags, 0o666), "wb")
        self._is_placed = False
        _making.add(self.path.name)

    @property
    def size_bytes(self) -> int:
        """How many bytes have been written."""
        self.file.flush()
        return os.fstat(self.file.fileno()).st_size

    def sync(self) -> None:
        """Wait until what was written is on the disk. Raises: OSError."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def place(self, target: Path | None = None) -> None:
        """Move it into its place, or into another one of that folder. Raises: OSError."""
        path = target or self.target
        self.sync()
        self.file.close()
        replace_file(self.path, path)
        self._is_placed = True
        sync_folder(path.parent)

    def discard(self) -> None:
        """Take it away, unless it is in its place."""
        with contextlib.suppress(OSError):  # a full disk says so once more
            self.file.close()
        if not self._is_placed:
            with contextlib.suppress(OSError):
                self.path.unlink()
        _making.discard(self.path.name)


@contextmanager
def new_file(target: Path) -> Iterator[NewFile]:
    """Make a file; what was not placed is taken away. Raises: OSError."""
    new = NewFile(target)
    try:
        yield new
    finally:
        new.discard()


@contextmanager
def writing(target: str) -> Iterator[None]:
    """Turn what a disk says into words about one file. Raises: StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace a file; after a crash there is the old one or the new one, never a part."""
    with new_file(path) as new:
        new.file.write(content.encode("utf-8") if isinstance(content, str) else content)
        new.place()


def denial(error: OSError, path: Path) -> str:
    """Say what a file system refused; where rights are lacking, also whose the file is."""
    words = error.strerror or str(error)
    if isinstance(error, PermissionError):
        for place in (path, path.parent):
            if owner := other_owner(place):
                return f"{words}: {printable(place.name)} belongs to {owner}"
    return words


def other_owner(path: Path) -> str:
    """Name the user whose a file is; empty: it is ours, or nobody can tell."""
    try:
        uid = path.lstat().st_uid
    except OSError:
        return ""
    if uid == os.geteuid():
        return ""
    try:
        return f"the user {printable(pwd.getpwuid(uid).pw_name)}"
    except KeyError:  # of another machine that shares the disk
        return f"the user with the number {uid}"


def replace_file(source: Path, target: Path) -> None:
    """Move a file over another one; wait a moment where a program on a share has it open.

    Raises: OSError.
    """
    for pause_s in (*_PAUSES_S, None):
        try:
            source.replace(target)
        except OSError as error:
            is_passing = error.errno in _IN_USE and os.access(target.parent, os.W_OK | os.X_OK)
            if pause_s is None or not is_passing:
                raise
            time.sleep(pause_s)
        else:
            return


def move_file(source: Path, target: Path, digest: str) -> None:
    """Move a file, also to another file system, where the copy is verified before the source goes.

    Raises: OSError; ArtifactError where the copy has other bytes.
    """
    make_folder(target.parent)
    try:
        replace_file(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_file(source, target, digest)
        source.unlink()
    else:
        sync_folder(target.parent)
    sync_folder(source.parent)


def copy_file(source: Path, target: Path, digest: str) -> None:
    """Copy a file's bytes, whose sha256 is known. Raises: OSError; ArtifactError: it is another."""
    make_folder(target.parent)
    found = hashlib.sha256()
    with source.open("rb") as old, new_file(target) as new:
        while block := old.read(BLOCK_BYTES):
            found.update(block)
            new.file.write(block)
        if found.hexdigest() != digest:
            raise ArtifactError(f"{source.name} changed while it was copied; nothing was replaced")
        new.place()


def sha256(path: Path) -> str:
    """Digest a file. Raises: OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def plain_bytes(path: Path, *, most: int = -1, follows: bool = True) -> bytes:
    """Read a file, or its beginning; a pipe or a device, which might never end, is none.

    `follows`: a link is, too. Raises: OSError, also where a whole file is larger than 512 MiB.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follows else os.O_NOFOLLOW)
    with os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a plain file")
        if most < 0 and found.st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {_MOST_BYTES >> 20} MiB")
        return file.read(most)


def make_folder(folder: Path) -> None:
    """Make a folder with those above it, so that they last. Raises: OSError."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> bool:
    """Make renames, and files that are new in a folder, last; False: its file system cannot.

    CIFS, 9p and some FUSE mounts do not sync folders; that is no error there.

    Raises: OSError.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:  # one may write into it, and not list it
        return False
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
        return False
    finally:
        os.close(descriptor)
    return True


def tidy(folder: Path) -> None:
    """Take away what killed runs left here: temporary files of processes that are gone, or old."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _OURS.fullmatch(entry.name)
            if found is None:
                continue
            with contextlib.suppress(OSError):
                seen = entry.stat(follow_symlinks=False)
                is_old = time.time() - seen.st_mtime > _DAY_S
                is_left = found["node"] == _node() and _is_left(entry.name, int(found["pid"], 16))
                if stat.S_ISREG(seen.st_mode) and (is_old or is_left):
                    Path(entry.path).unlink()


def is_temporary(name: str) -> bool:
    """Say whether a name is that of a file in the making."""
    return _OURS.fullmatch(name) is not None


def _temporary_name(name: str) -> str:
    short = name.encode("utf-8", "surrogateescape")[:_NAME_BYTES].decode("utf-8", "ignore")
    return f".{short or 'file'}.{_node()}-{os.getpid():x}-{secrets.token_hex(4)}.part"


@cache
def _node() -> str:
    """Name where process ids mean what they mean here: this host, and this container on it."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return hashlib.sha256(f"{socket.gethostname()}\n{space}".encode()).hexdigest()[:6]


def _is_left(name: str, pid: int) -> bool:
    """Return whether nobody is writing a temporary file of this machine any more."""
    if pid == os.getpid():
        return name not in _making
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
