"""Reads a lockfile and its journal from disk, as they are; nothing is held."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from seedrender.errors import LockCorruptError, LockError
from seedrender.lock import lockfile
from seedrender.project.files import denial, plain_bytes
from seedrender.project.roots import Roots
from seedrender.values.entry import Event, Lock


def read_journal(path: Path, manifest: str, *, folder: Path | None = None) -> tuple[Event, ...]:
    """Read what a run that was killed left; `folder` is the manifest's.

    Raises: LockVersionError, LockCorruptError; LockError where it cannot be read.
    """
    data = bytes_of(path)
    shown = path.name if folder is None else path.relative_to(folder).as_posix()
    events = lockfile.loads_journal(data, shown)
    header = data.partition(b"\n")[0].decode("utf-8", "replace")
    owner = json.loads(header).get("manifest", manifest) if events else manifest
    if owner != manifest and not is_gone(folder or path.parent, owner):
        if not is_name(owner):
            raise lockfile.damaged(f"{shown}:1: {owner!r:.60} is no manifest's name")
        raise LockCorruptError(
            f"{shown} belongs to {owner}, not to {manifest}; nothing was sent and nothing "
            "changed. Move the journal to where it belongs, or give one manifest another name"
        )
    return events


def read_lockfile(path: Path, manifest: str) -> Lock:
    """Read the lockfile alone; none yet is an empty one."""
    if not path.exists():
        return Lock(manifest=manifest)
    lock = lockfile.loads(text_of(path), path.name)
    if lock.manifest != manifest and not is_gone(path.parent, lock.manifest):
        if not is_name(lock.manifest):
            raise lockfile.damaged(f"{path.name}:1: {lock.manifest!r:.60} is no manifest's name")
        raise LockCorruptError(
            f"{path.name} belongs to {lock.manifest}, not to {manifest}: two manifests that both "
            "exist would share it. Give one of them another name; nothing was sent and nothing "
            "changed"
        )
    return replace(lock, manifest=manifest)  # which was renamed


def is_gone(folder: Path, manifest: str) -> bool:
    """Say whether a manifest that a file names is not in a folder any more."""
    try:
        return is_name(manifest) and not (folder / manifest).exists()
    except OSError:
        return False


def is_name(manifest: object) -> bool:
    """Say whether something that a file says can be the name of a manifest."""
    is_plain = isinstance(manifest, str) and "/" not in manifest and manifest.isprintable()
    return is_plain and str(manifest).endswith((".yaml", ".yml", ".yaml.j2", ".yml.j2"))


def is_taken_for_ours(path: Path) -> bool:
    """Say whether a file by this name would be read as a manifest, a lockfile or one beside it."""
    return path.suffix in (".lock", ".journal", ".hold", ".yaml", ".yml")


def real(path: Path) -> Path:
    """Return where a lockfile really is: two runs by different paths must meet at one journal.

    Raises: LockError where it is a link that leads out of the repository.
    """
    _check_inside(path)
    return path.resolve()


def _check_inside(path: Path) -> None:
    if not path.is_symlink():
        return
    roots = Roots.around(path.parent)
    if not roots.hold(path):
        raise LockError(
            f"{path.name} is a link that {roots.words(path, is_allowable=False)}; nothing was "
            "changed. Put it beside its manifest, where git has the lockfile"
        )


def text_of(path: Path) -> str:
    """Read a file as UTF-8; one that is not there is empty. Raises: LockError."""
    return _decoded(path, bytes_of(path))


def bytes_of(path: Path) -> bytes:
    """Read a file; one that is not there is empty.

    Raises: LockError, also where it is a link that leads out of the repository.
    """
    try:
        _check_inside(path)
        return plain_bytes(path)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise LockError(f"{path.name} cannot be read ({denial(error, path)})") from None


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise lockfile.damaged(f"{path.name}: byte {error.start} is not UTF-8") from None
