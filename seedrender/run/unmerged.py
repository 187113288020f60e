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
    if not lacking(path):
        return
    if path.exists():
        raise LockCorruptError(
            f"{path.name} is not merged: git left one side in it, and keeps tasks of the other one "
            "by itself. `seedrender lock merge` with the manifest's name joins the two sides: "
            "every task id is kept; nothing was sent"
        )
    file = named(path.parent, path.name)
    raise LockCorruptError(
        f"{path.name} is not here, and git has it, with tasks that nothing else here knows: `git "
        f"restore {file}` brings it back (in a sparse checkout, `git sparse-checkout add` first); "
        f"`git rm --cached {file}` says that it is to be gone. Nothing was sent"
    )


def lacking(path: Path) -> bytes:
    """Return what git keeps of tasks that nothing here knows: sides of a merge, or all of a file.

    Raises: LockCorruptError where a merge goes on and git cannot be asked.
    """
    is_there = path.exists()
    places = [path, journal_path(path)]
    if not is_there:  # deleted by a person, who has the memory, or left out of a checkout
        log = PurchaseLog(path)
        places += [log.path, log.journal]
    here = Told()
    for place in places:
        here |= recovery.told_in(place)
    kept = _kept(path, _SIDES if is_there else (*_WHOLE, *_SIDES))
    found = [one for one in kept if not _is_told(salvage.told(one), here)]
    if not is_there:
        found = [one for one in found if not _is_play(one, path.name)]
    return b"".join(one.rstrip(b"\n") + b"\n" for one in found)


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

    Raises: LockCorruptError where a merge goes on and git cannot be asked.
    """
    top = repository(path.parent)
    if not (top / ".git").exists():
        return []
    try:
        rows = git.asked(path.parent, "ls-files", "-s", "-z", "--", f":(literal){path.name}")
        stages = [row.partition("\t")[0].split() for row in rows.split("\0") if row]
        objects = [words[1] for words in stages if words[2:] and words[2] in wanted]
        return [git.blob(path.parent, name) for name in dict.fromkeys(objects)]
    except ConfigError as error:
        if any((_folder(top) / name).exists() for name in _UNDER_WAY):
            raise LockCorruptError(
                f"a merge goes on here, and whether {path.name} is merged cannot be asked: {error}"
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
