"""Looks at the places that a run would write to, before anything is bought."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from seedrender.errors import Origin, Severity, Violation, listed
from seedrender.project.clips import FRAMES, Clips
from seedrender.project.files import new_file, other_owner
from seedrender.project.kept import DIGITS
from seedrender.project.own_folder import NAME, OwnFolder
from seedrender.project.ownership import Clash, Ownership, lock_path
from seedrender.values.entry import Lock
from seedrender.values.task import SUPERSEDED, Artifact, Frame

CODE = "place"
_PROBE_BYTES = 1 << 16
_KEPT_BYTES = 1 + DIGITS  # by which the name of a clip grows that is set aside
_USUAL_NAME_BYTES, _USUAL_PATH_BYTES = 255, 4096
_ADVICE = "clips are paid for before they arrive: make room, or mend the permissions"
_OWN_FOLDER = "give each manifest of a folder an `output.dir` of its own"
_OUTPUT_DIR: tuple[str | int, ...] = ("output", "dir")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file that a run would write: for which job or long take, and where that is written."""

    path: str  # posix, relative to the manifest
    owner: str
    origin: Origin
    at: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """What is known of a folder that clips go into."""

    place: Path  # the nearest one that exists
    blocked: Path | None  # a file that stands where a folder is needed
    is_inside: bool
    name_bytes: int  # the most that its file system takes
    path_bytes: int

    def is_too_long(self, path: Path) -> bool:
        """Return whether a name, also once the clip is set aside, is more than may be."""
        names = [len(os.fsencode(part)) for part in path.parts]
        kept = len(os.fsencode(path)) + len(SUPERSEDED) + _KEPT_BYTES + 1
        is_long = max(names) > self.name_bytes or names[-1] + _KEPT_BYTES > self.name_bytes
        return is_long or kept >= self.path_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """All places that a run of one manifest would write to."""

    clips: Clips
    ownership: Ownership
    wanted: tuple[Wanted, ...]
    origin: Callable[[tuple[str | int, ...]], Origin]  # where the key of a value stands
    is_ours: Callable[[Clash], bool] = lambda _clash: False  # what another wants no more
    _looked: dict[Path, _Folder] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def wrong(self, others: Sequence[Places] = ()) -> Iterator[Violation]:
        """Find what no run could write, whatever the permissions are; nothing is written.

        `others`: of manifests that are looked at beside this one.
        """
        if OwnFolder(self.clips.root).is_outside():
            yield self._of_all(f"{NAME} leads outside", "make it a folder: runs keep notes there")
        for kind in (SUPERSEDED, FRAMES):
            yield from self._wrong_beside(f"{self.ownership.output_dir}/{kind}")
        for one in self.wanted:
            yield from self._wrong(one)
        paths, ours = [one.path for one in self.wanted], self.ownership
        clashes = [clash for clash in ours.clashes(paths) if not self.is_ours(clash)]
        for other in others:
            theirs = [one.path for one in other.wanted]
            clashes += ours.shared_with(other.ownership, paths, theirs)
        yield from self.shared(clashes)
        own = lock_path(ours.manifest).name
        for namesake in ours.namesakes():
            words = f"{namesake.name} would have the same lockfile, {own}"
            yield self._of_all(words, "rename one of the two manifests")
        for name, why in ours.unreadable():
            words = f"{name} cannot be read, so its outputs are not known: {why}"
            yield self._of_all(words, "see `seedrender lock repair`", Severity.WARNING)

    def unwritable(self, *, probes: bool, severity: Severity) -> Iterator[Violation]:
        """Find the folders that take no file; a probe writes a small one and removes it."""
        rooms: set[int] = set()
        notes = self.clips.root / NAME
        for folder in (*self.folders(), *([notes] if _is_folder(notes) else [])):
            words = _closed(folder) or (_full(folder, rooms) if probes else _no_room(folder))
            if words:
                yield self._of_all(f"{self.said(folder)} {words}", _ADVICE, severity)

    def unexplained(self, locks: Collection[Lock]) -> Iterator[Violation]:
        """Find the files in the places of clips that no record explains."""
        known = {file.sha256: file.size_bytes for lock in locks for file in files_of(lock)}
        sizes = set(known.values())
        noted = {file.path: file for lock in locks for file in files_of(lock)}
        for one in self.wanted:
            file = noted.get(one.path)
            if file is not None and self.clips.is_present(file):
                continue
            place = self.clips.root / one.path
            if _is_folder(place) or not self.clips.unexplained(one.path, known.keys(), sizes):
                continue
            words = f"{one.path} is there and no record explains it"
            name = self.ownership.manifest.name
            hint = (
                "move it away, or take a copy of it over: `seedrender adopt "
                f"{name} {one.owner} --file COPY`; a run puts it into {SUPERSEDED}"
            )
            yield self._of(one, words, hint, Severity.WARNING)

    def elsewhere(self) -> Iterator[str]:
        """Say which output folders are on another file system than the manifest."""
        home = self.clips.root.stat().st_dev
        for folder in self.folders():
            if folder.stat().st_dev != home:
                yield f"{self.said(folder)} is on another file system"

    def folders(self) -> list[Path]:
        """Return the folders that exist around all that is written, the manifest's own first."""
        found = {self._around(one.path).place for one in self.wanted} - {self.clips.root}
        return [self.clips.root, *sorted(found)]

    def _wrong(self, one: Wanted) -> Iterator[Violation]:
        path, around = self.clips.root / one.path, self._around(one.path)
        mode = _mode(path)
        if not around.is_inside or (_is_link(path) and not self.clips.roots.hold(path)):
            yield self._outside(one.path)
        elif around.blocked is not None:
            words = f"{self.said(around.blocked)} is a file, and {one.path} needs a folder there"
            yield self._of(one, words, "move it away, or give the clip another output")
        elif around.is_too_long(path):
            words = f"{one.path} is too long for the file system"
            yield self._of(one, words, "give it a shorter output")
        elif mode is not None and not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            words = f"{one.path} is {what}: the clip could not be kept there"
            yield self._of(one, words, "move it away, or give the clip another output")

    def _wrong_beside(self, relative: str) -> Iterator[Violation]:
        """Look at a folder in the output folder, where that one is right."""
        path, around = self.clips.root / relative, self._around(relative)
        if around.is_inside and not self.clips.roots.hold(path):
            yield self._outside(relative)
        elif (_is_link(path) or _mode(path) is not None) and not _is_folder(path):
            words = f"{relative} is a file, and clips are kept there that are replaced"
            yield self._of_all(words, "move it away")

    def _outside(self, relative: str) -> Violation:
        """Name the first part of a path that leads outside, once for all that go through it."""
        roots, place = self.clips.roots, PurePosixPath(relative)
        parts = [*reversed(place.parents[:-1]), place]
        first = next((p for p in parts if not roots.hold(self.clips.root / p)), place)
        words = f"{first.as_posix()} {roots.words(self.clips.root / first)}"
        return self._of_all(words, "clips would be written there")

    def shared(self, clashes: Iterable[Clash]) -> Iterator[Violation]:
        """Say which outputs are another manifest's too, once for each of those."""
        by_path = {one.path: one for one in self.wanted}
        by_owner: dict[str, list[Clash]] = {}
        for clash in clashes:
            if clash.path in by_path:
                by_owner.setdefault(clash.owner, []).append(clash)
        for owner, theirs in by_owner.items():
            paths = tuple(dict.fromkeys(clash.path for clash in theirs))
            are = "is an output" if len(paths) == 1 else "are outputs"
            told_by = tuple(dict.fromkeys(clash.told_by for clash in theirs if clash.told_by))
            say = "says" if len(told_by) == 1 else "say"
            source = f" ({' and '.join(told_by)} {say} so)" if told_by else ""
            words = f"{listed(paths)} {are} of {owner} too{source}"
            found = self._of(by_path[paths[0]], words, _OWN_FOLDER)
            yield replace(found, jobs=tuple(by_path[path].owner for path in paths))

    def _around(self, relative: str) -> _Folder:
        """Look at the folder of a path; one look serves all clips of it."""
        parent = (self.clips.root / relative).parent
        if parent not in self._looked:
            self._looked[parent] = _folder(parent, is_inside=self.clips.roots.hold(parent))
        return self._looked[parent]

    def said(self, folder: Path) -> str:
        """Return how a folder is called beside the manifest."""
        if not folder.is_relative_to(self.clips.root):
            return str(folder)
        inside = folder.relative_to(self.clips.root).as_posix()
        return "the manifest's folder" if inside == "." else inside

    def _of_all(self, words: str, hint: str, severity: Severity = Severity.ERROR) -> Violation:
        return Violation(
            origin=self.origin(_OUTPUT_DIR),
            message=words,
            hint=hint,
            path=_OUTPUT_DIR,
            code=CODE,
            severity=severity,
        )

    def _of(
        self, one: Wanted, words: str, hint: str, severity: Severity = Severity.ERROR
    ) -> Violation:
        return Violation(
            origin=one.origin,
            message=words,
            hint=hint,
            path=one.at,
            jobs=(one.owner,),
            code=CODE,
            severity=severity,
        )


def files_of(lock: Lock) -> Iterator[Artifact | Frame]:
    """Return every file that a lock explains."""
    for entry in lock.entries.values():
        if entry.output is not None:
            yield entry.output
        for record in entry.tasks:
            yield from (file for file in (record.superseded, record.last_frame) if file is not None)


def _closed(folder: Path) -> str:
    """Say why a folder takes no file, as far as permissions tell; empty: it may."""
    if os.access(folder, os.W_OK | os.X_OK):
        return ""
    owner = other_owner(folder)
    return f"cannot be written to: it belongs to {owner}" if owner else "cannot be written to"


def _no_room(folder: Path) -> str:
    """Say whether a disk is full, as far as it tells."""
    try:
        found = os.statvfs(folder)
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    is_full = bool(found.f_blocks) and not found.f_bavail
    return "is on a disk without any room" if is_full else ""


def _full(folder: Path, rooms: set[int]) -> str:
    """Write a small file into a folder and remove it; of each disk one waits for its bytes."""
    try:
        device = folder.stat().st_dev
        with new_file(folder / "probe") as probe:
            probe.file.write(bytes(_PROBE_BYTES))
            if device not in rooms:
                probe.sync()
            rooms.add(device)
    except OSError as error:
        return f"takes no file: {error.strerror}"
    return ""


def _folder(parent: Path, *, is_inside: bool) -> _Folder:
    blocked, place = None, parent
    while not _is_folder(place) and place != place.parent:
        blocked = place if _mode(place) is not None or _is_link(place) else blocked
        place = place.parent
    return _Folder(
        place=place,
        blocked=blocked,
        is_inside=is_inside,
        name_bytes=_limit(place, "PC_NAME_MAX", _USUAL_NAME_BYTES),
        path_bytes=_limit(place, "PC_PATH_MAX", _USUAL_PATH_BYTES),
    )


def _is_folder(path: Path) -> bool:
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def _is_link(path: Path) -> bool:
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except OSError:
        return False


def _mode(path: Path) -> int | None:
    """Return what is at a path, links followed; None: nothing that can be looked at."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _limit(folder: Path, name: str, usual: int) -> int:
    try:
        found = os.pathconf(folder, name)
    except (OSError, ValueError):
        return usual
    return found if found > 0 else usual
