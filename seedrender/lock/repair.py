"""Turns a damaged lockfile and journal into a lock that makes nobody buy twice, and says how."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seedrender.errors import LockCorruptError
from seedrender.lock import checks, codec, fold, lockfile, mend
from seedrender.lock.salvage import DamagedLine
from seedrender.values.entry import Lock, LockEntry
from seedrender.values.job import JobId

_MARKERS = tuple(marker.encode() for marker in lockfile.MARKERS)
_TWO_LINES = re.compile(rb'(?<=\})[%b](?=\{")' % re.escape(bytes(mend.LIKE_AN_END)))


class Outcome(StrEnum):
    """What became of a damaged line."""

    MENDED = "mended"  # it is as it was written
    KEPT = "kept"  # all that it told of tasks is known, from what is left of it or from other lines
    UNKNOWN = "unknown"  # a paid task may exist: a person must look
    LOST = "lost"  # not even the job is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A line that was not as it was written, and what became of it."""

    file: str
    line: int
    wrong: str
    outcome: Outcome
    job: JobId | None = None
    task_ids: tuple[str, ...] = ()  # that can be made out in it
    left_out: tuple[str, ...] = ()  # values that a record can do without


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """The lock that was made of what could be read."""

    lock: Lock
    read: int  # lines
    damages: tuple[Damage, ...]

    @property
    def is_loss(self) -> bool:
        """Whether something was bought, perhaps, of which nothing is known any more."""
        return any(damage.outcome is Outcome.LOST for damage in self.damages)


def repair(
    lock: bytes | None, journal: bytes, *, manifest: str, name: str, jobs: Collection[str]
) -> Repaired:
    """Read what can be read of both files; `jobs` are the ids that the manifest has.

    A job whose line cannot be read is unknown from then on, unless other lines tell all that it
    told: it is not bought again by itself.

    Raises: LockVersionError; LockCorruptError where it is the lock of another manifest.
    """
    work = _Work(manifest, name)
    if lock is not None:
        work.read_lock(lock)
    work.read_journal(journal)
    return work.settled(jobs)


class _Work:
    """One repair under way: what was read, and what could not be."""

    def __init__(self, manifest: str, name: str) -> None:
        self._name = name
        self._lock = Lock(manifest=manifest)
        self._read = 0
        self._damages: list[Damage] = []
        self._damaged: list[DamagedLine] = []

    def read_lock(self, data: bytes) -> None:
        """Take the lines of a lockfile that can be read, and put the others aside."""
        rows = data.split(b"\n")
        for number, row in enumerate(rows, 1):
            if not row.strip() or row.startswith(_MARKERS):
                continue
            try:
                parts = _apart(row)
                for part in parts:
                    self._take_row(checks.json_object(part.decode()))
            except ValueError as error:
                self._put_aside(self._name, number, row, _words(error), is_last=number == len(rows))
                continue
            if parts != [row]:
                ended = self._damage(self._name, number, row, "the end of a line was flipped")
                self._finish(ended, Outcome.MENDED)
        if not data.strip():
            self._finish(self._damage(self._name, 1, data, "the file is empty"), Outcome.LOST)

    def read_journal(self, data: bytes) -> None:
        """Take the lines of a journal that can be read or mended, and put the others aside."""
        name = f"{self._name}.journal"
        rows = list(lockfile.journal_lines(data))
        if rows and _is_journal_header(rows[0][1], name):
            rows = rows[1:]
        for number, row, was_mended in mend.mended(rows):
            try:
                self._take(lockfile.event(row))
            except ValueError as error:
                whole = (
                    row[: -lockfile.CHECKSUM_BYTES] + b"}"
                )  # the reader refuses what was written
                kept = whole if lockfile.is_whole(row) else row
                self._put_aside(name, number, kept, _words(error), is_last=False)
                continue
            if was_mended:
                flipped = self._damage(name, number, row, "a bit of it was flipped")
                self._finish(flipped, Outcome.MENDED)

    def settled(self, jobs: Collection[str]) -> Repaired:
        """Decide about the lines that could not be read, now that all others are."""
        known = {*jobs, *self._lock.entries}
        records = {r.correlation_id for e in self._lock.entries.values() for r in e.tasks}
        for damaged in self._damaged:
            self._settle(damaged, known, records)
        damages = sorted(self._damages, key=lambda damage: (damage.file, damage.line))
        return Repaired(lock=self._lock, read=self._read, damages=tuple(damages))

    def _take(self, entry: LockEntry) -> None:
        self._lock = fold.fold(self._lock, [entry])
        self._read += 1

    def _take_row(self, row: Mapping[str, Any]) -> None:
        if "lock" not in row:
            self._take(codec.entry(row))
            return
        _refuse_newer(row, "lock", self._name)
        if row.get("manifest") != self._lock.manifest:
            raise LockCorruptError(
                f"{self._name} belongs to {row.get('manifest')!r}, not to {self._lock.manifest}; "
                "nothing was changed. If the manifest was renamed, put its name in the first line"
            )

    def _put_aside(self, file: str, number: int, row: bytes, wrong: str, *, is_last: bool) -> None:
        damaged = self._damage(file, number, row, wrong)
        before = self._damaged[-1] if self._damaged else None
        is_rest = before is not None and before.file == file and not row.startswith(b"{")
        if number == 1 and damaged.version is not None and not is_last:
            _refuse_newer({"lock": damaged.version or 1}, "lock", file)
            self._finish(damaged, Outcome.MENDED)  # it is written anew
        elif before is not None and is_rest:
            self._damaged[-1] = before.followed_by(row)
        else:
            self._damaged.append(damaged)
        if is_last:
            end = self._damage(
                file, number, b"", "it ends here, within a line: the rest is missing"
            )
            self._finish(end, Outcome.LOST)

    def _settle(
        self, damaged: DamagedLine, known: Collection[str], records: Collection[str]
    ) -> None:
        job = damaged.job(known)
        is_all = False
        left_out: tuple[str, ...] = ()
        if job is not None and (damaged.file == self._name or damaged.is_sound):
            found = damaged.salvaged(job)
            is_all, left_out = found.is_whole, found.left_out
            self._lock = fold.fold(self._lock, [found.entry])
        if is_all or damaged.is_told_by(records):
            self._finish(damaged, Outcome.KEPT, job, left_out)
        elif job is None:
            self._finish(damaged, Outcome.LOST)
        else:
            self._lock = fold.fold(self._lock, [LockEntry(job=job, tasks=(damaged.guess(),))])
            self._finish(damaged, Outcome.UNKNOWN, job)

    def _damage(self, file: str, number: int, row: bytes, wrong: str) -> DamagedLine:
        return DamagedLine(file=file, number=number, data=row, wrong=wrong)

    def _finish(
        self,
        damaged: DamagedLine,
        outcome: Outcome,
        job: JobId | None = None,
        left_out: tuple[str, ...] = (),
    ) -> None:
        self._damages.append(
            Damage(
                file=damaged.file,
                line=damaged.number,
                wrong=damaged.wrong,
                outcome=outcome,
                job=job,
                task_ids=damaged.task_ids,
                left_out=left_out,
            )
        )


def _apart(row: bytes) -> list[bytes]:
    """Part two lines whose end became another byte."""
    parts = _TWO_LINES.split(row)
    is_flipped = row[-1] in mend.LIKE_AN_END and row[-2:-1] == b"}"
    return [*parts[:-1], parts[-1][:-1]] if is_flipped else parts


def _is_journal_header(row: bytes, name: str) -> bool:
    try:
        header = checks.json_object(row.decode())
        if "journal" in header:
            _refuse_newer(header, "journal", name)
    except ValueError:
        return False
    return "journal" in header


def _refuse_newer(header: Mapping[str, Any], kind: str, name: str) -> None:
    """Leave what a newer seedrender wrote to it. Raises: LockVersionError; ValueError: damaged."""
    try:
        lockfile.check_version(header, kind, name)
    except LockCorruptError as error:
        raise ValueError(f"it does not say the {kind}'s version") from error


def _words(error: ValueError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
