"""What git keeps of a lockfile and the working tree lacks: the other side of a merge, or all of it.

Where no driver of ours ran (it is not on git's PATH, or an attribute forbids to merge), git leaves
one side in the working tree, without markers: half of what was bought. Where the file was deleted,
or is left out of a sparse checkout, it has none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seedrender.errors import ConfigError, LockCorruptError, LockError
from seedrender.lock import lockfile, salvage
from seedrender.lock.identity import SIMULATED
from seedrender.lock.salvage import Told
from seedrender.project.hold import journal_path
from seedrender.project.purchases import PurchaseLog
from seedrender.project.roots import named, repository
from seedrender.run import git, recovery

_WHOLE, _SIDES = ("0",), ("2", "3")  # stages: what is merged; ours and theirs. 1: what both were
_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")


def check(path: Path) -> None:
    """Refuse a lockfile of which git keeps more than is here. Raises: LockCorruptError."""
    if lacking(path, _SIDES):
        raise LockCorruptError(
            f"{path.name} is not merged: git left one side in it, and keeps tasks of the other one "
            "by itself. `seedrender lock merge` with the manifest's name joins the two sides: "
            "every task id is kept; nothing was sent"
        )
    if not path.exists() and lacking(path, _WHOLE, is_remembered=True):
        file = named(path.parent, path.name)
        raise LockCorruptError(
            f"{path.name} is not here, and git has it, with tasks that nothing else here knows: "
            f"`git restore {file}` brings it back (in a sparse checkout, `git sparse-checkout add` "
            f"first); `git rm --cached {file}` says that it is to be gone. Nothing was sent"
        )


def to_join(path: Path) -> bytes:
    """Return all that git keeps of a lockfile and neither it nor its journal tells.

    Raises: LockCorruptError where git cannot be asked.
    """
    return lacking(path, _SIDES) or (b"" if path.exists() else lacking(path, _WHOLE))


def lacking(path: Path, wanted: Sequence[str], *, is_remembered: bool = False) -> bytes:
    """Return what git keeps of tasks that nothing here knows, in some stages.

    `is_remembered`: what the purchase log knows is known. A lockfile of simulated tasks alone that
    is gone is missed by nobody.

    Raises: LockCorruptError where git has something, or a merge goes on, and it cannot be asked.
    """
    places = [path, journal_path(path)]
    if is_remembered:
        log = PurchaseLog(path)
        places += [log.path, log.journal]
    here = Told()
    for place in places:
        here |= recovery.told_in(place)
    found = [one for one in _kept(path, wanted) if not _is_told(salvage.told(one), here)]
    if wanted == _WHOLE:
        found = [one for one in found if not _is_play(one, path.name)]
    return b"".join(one.rstrip(b"\n") + b"\n" for one in found)


def index_of(path: Path) -> Path:
    """Return git's index, which changes with each merge."""
    return _folder(repository(path.parent)) / "index"


def _is_told(side: Told, here: Told) -> bool:
    return side.correlation_ids <= here.correlation_ids and side.task_ids <= here.task_ids


def _is_play(data: bytes, name: str) -> bool:
    """Say whether all that a lockfile knows is simulated: nobody misses that."""
    try:
        known = lockfile.loads(data.decode(), name)
    except (LockError, UnicodeDecodeError):
        return False
    records = (record for entry in known.entries.values() for record in entry.tasks)
    return all(record.provider == SIMULATED for record in records)


def _kept(path: Path, wanted: Sequence[str]) -> list[bytes]:
    """Return the lockfile as git's index has it in some stages; none where git cannot tell.

    Raises: LockCorruptError where it has some, or a merge goes on, and it cannot be asked.
    """
    top = repository(path.parent)
    if not (top / ".git").exists():
        return []
    objects: Sequence[str] = ()
    try:
        rows = git.asked(path.parent, "ls-files", "-s", "-z", "--", f":(literal){path.name}")
        stages = [row.partition("\t")[0].split() for row in rows.split("\0") if row]
        objects = [words[1] for words in stages if words[2:] and words[2] in wanted]
        return [git.blob(path.parent, name) for name in dict.fromkeys(objects)]
    except ConfigError as error:
        if objects:
            raise LockCorruptError(
                f"git has {path.name}, and cannot give what it has: {error}. `git restore "
                f"{named(path.parent, path.name)}` may fetch it"
            ) from None
        if any((_folder(top) / name).exists() for name in _UNDER_WAY):
            raise LockCorruptError(
                f"a merge goes on here, and whether {path.name} is merged cannot be asked: "
                f"{error}. Let git answer here, or finish the merge"
            ) from None
        return []


def _folder(top: Path) -> Path:
    """Return where git keeps what it knows: a folder, or a file that names one."""
    place = top / ".git"
    try:
        if place.is_file():
            return top / place.read_text("utf-8").partition("gitdir:")[2].strip()
    except (OSError, ValueError):
        pass
    return place
