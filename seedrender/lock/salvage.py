"""Takes out of a damaged line what is whole, and makes a record of what may have been bought."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from seedrender.lock import checks, codec, fold
from seedrender.lock.identity import NOT_KNOWN
from seedrender.values.entry import GUESSED, Fingerprint, JobState, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, JobId

_TEXT = r'": ?"((?:[^"\\]|\\.)+)"'
_FIRST = re.compile(r'.{0,7}?": ?"((?:[^"\\]|\\.)+)"', re.DOTALL)  # the job, whatever its key is
_JOB = re.compile(r'"job' + _TEXT)
_TASK = re.compile(r'"task_id' + _TEXT)
_CORRELATION = re.compile(r'"correlation_id' + _TEXT)
_MADE_BY = re.compile(r'"made_by' + _TEXT)
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")
_PLACE = re.compile(r'"path' + _TEXT + r', ?"sha256": ?"([0-9a-f]{64})"')
_PROVIDER = re.compile(r'"provider' + _TEXT)
_STATE = '"state": "'  # once for the entry, once for each of its tasks
_RECORD = re.compile(r'\{"correlation_id"')
_HEADER = re.compile(r'"(?:lock|journal)": ?([0-9]{1,9})')
_TORN = re.compile(r'"(?:job|task_id|correlation_id)": ?(?:"(?:[^"\\]|\\.)*\\?)?\Z')
_UNREADABLE = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a file names of jobs and tasks, as far as that can be made out."""

    jobs: frozenset[str] = frozenset()
    task_ids: frozenset[str] = frozenset()
    correlation_ids: frozenset[str] = frozenset()
    is_torn: bool = False  # it ends within an id

    def __or__(self, other: Told) -> Told:
        """Return what two files name."""
        return Told(
            jobs=self.jobs | other.jobs,
            task_ids=self.task_ids | other.task_ids,
            correlation_ids=self.correlation_ids | other.correlation_ids,
            is_torn=self.is_torn or other.is_torn,
        )


def told(data: bytes) -> Told:
    """Return what can be made out in a lockfile or journal, damaged or not."""
    text = data.decode(errors="replace")
    return Told(
        jobs=frozenset(_JOB.findall(text)),
        task_ids=frozenset(_TASK.findall(text)),
        correlation_ids=frozenset(_CORRELATION.findall(text)),
        is_torn=_TORN.search(text) is not None,
    )


def digests(data: bytes) -> frozenset[str]:
    """Return every digest that a lockfile or journal names, of fingerprints and what is in them."""
    return frozenset(found.decode() for found in _DIGEST.findall(data))


def places(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the sha256 of each clip that a lockfile or journal names, and its path as it says."""
    for path, sha256 in _PLACE.findall(data.decode(errors="replace")):
        with suppress(ValueError):
            yield sha256, json.loads(f'"{path}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What is left of a line, and what had to go."""

    entry: LockEntry
    is_whole: bool  # no task is missing
    left_out: tuple[str, ...] = ()  # values that the reader refuses, which a record can do without


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedLine:
    """A line that is not as it was written."""

    file: str
    number: int
    data: bytes
    wrong: str

    @property
    def text(self) -> str:
        """Return the line; what is no text is shown as such."""
        return self.data.decode(errors="replace")

    @property
    def task_ids(self) -> tuple[str, ...]:
        """Return the task ids that can be made out."""
        return self._named(_TASK)

    @property
    def version(self) -> int | None:
        """Return the version of the file, where this is its header; 0: it cannot be read."""
        if _STATE in self.text or '"job"' in self.text:
            return None
        found = _HEADER.search(self.text)
        if found is None:
            return 0 if '"manifest"' in self.text else None
        return int(found[1])

    def job(self, known: Collection[str]) -> JobId | None:
        """Return the job, where it is one that is known: another one may be a damaged id."""
        found = _FIRST.match(self.text)
        if found and found[1] in known:
            return JobId(found[1])
        row, is_sound = self._parsed()
        name = row.get("job")
        return JobId(name) if is_sound and isinstance(name, str) and name else None

    @property
    def is_sound(self) -> bool:
        """Whether it is as it was written, and only has a value that the reader refuses."""
        return self._parsed()[1]

    def is_told_by(self, records: Collection[str]) -> bool:
        """Say whether records of these correlation ids tell of all the tasks of this line."""
        tasks = self._named(_CORRELATION)
        if len(tasks) < self.text.count(_STATE) - 1 or not self.data.rstrip().endswith(b"}"):
            return False
        told = tasks or self._named(_MADE_BY)
        return bool(told) and all(t in records or t.startswith("sha256:") for t in told)

    def _named(self, pattern: re.Pattern[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(pattern.findall(self.text)))

    def followed_by(self, data: bytes) -> DamagedLine:
        """Return the line with its rest, from which a byte that became an end had parted it."""
        return replace(self, data=self.data + _UNREADABLE.encode() + data)

    def guess(self) -> TaskRecord:
        """Return a record of a task that may have been bought, of unknown outcome."""
        name = next(iter(self._named(_CORRELATION)), f"{zlib.crc32(self.data):08x}")
        seen = ", ".join(self.task_ids)
        words = f"; its task may be {seen}" if seen else ""
        return TaskRecord(
            correlation_id=CorrelationId(f"{GUESSED}{_plain(name)}"),
            state=JobState.UNKNOWN,
            fingerprint=Fingerprint(digest=NOT_KNOWN),
            provider=_plain(next(iter(self._named(_PROVIDER)), NOT_KNOWN)),
            error=f"{self.file}:{self.number} was damaged{_plain(words)}",
        )

    def salvaged(self, job: JobId) -> Salvaged:
        """Return the tasks, the clip and the pin that can be kept, less odd values of theirs."""
        row, is_whole = self._parsed()
        shared = {"provider": row.get("provider") or next(iter(self._named(_PROVIDER)), None)}
        left_out = []
        if row.get("fingerprint") is not None:
            if _is_read({"job": job, "fingerprint": row["fingerprint"]}):
                shared["fingerprint"] = row["fingerprint"]
            else:
                left_out.append("fingerprint")
        entry = LockEntry(job=job)
        for task in row["tasks"]:
            try:
                part = codec.entry({"job": job, **shared, "tasks": [task]})
            except ValueError:
                is_whole = False
                continue
            odd = sorted(part.tasks[0].unread)
            left_out += [f"{key} of {part.tasks[0].task_id or 'a task'}" for key in odd]
            entry = fold.join(entry, part)
        for key in ("output", "pin"):
            part, odd = _part(job, key, row.get(key))
            entry, left_out = fold.join(entry, part), [*left_out, *odd]
        return Salvaged(entry=entry, is_whole=is_whole, left_out=tuple(map(_plain, left_out)))

    def _parsed(self) -> tuple[dict[str, Any], bool]:
        """Return the line's values, and whether it is JSON of the right keys."""
        try:
            row = checks.json_object(self.data.decode())
        except ValueError:
            row = {}
        is_right = row.keys() <= codec.ENTRY_KEYS and isinstance(row.get("tasks", []), list)
        if not row or not is_right or _UNREADABLE in self.text:
            return {"tasks": list(_whole_tasks(self.text))}, False
        return {"tasks": [], **row}, True


def _part(job: JobId, key: str, value: Any) -> tuple[LockEntry, list[str]]:
    """Read a clip or a pin, less its length where that is what is odd; else without it."""
    shorter = {k: v for k, v in value.items() if k != "duration_s"} if type(value) is dict else {}
    for kept, odd in ((value, []), (shorter, [f"duration_s of the {key}"])):
        if kept != {} and _is_read({"job": job, key: kept}):
            return codec.entry({"job": job, key: kept}), odd
    return LockEntry(job=job), [key]


def _is_read(row: dict[str, Any]) -> bool:
    try:
        codec.entry(row)
    except ValueError:
        return False
    return True


def _whole_tasks(text: str) -> Iterator[Any]:
    """Yield the task records of a broken line that are JSON."""
    decoder = json.JSONDecoder()
    for found in _RECORD.finditer(text):
        try:
            task, end = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if _UNREADABLE not in text[found.start() : end]:
            yield task


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else _UNREADABLE for c in text)
