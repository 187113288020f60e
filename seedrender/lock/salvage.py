"""Takes out of a damaged line what is whole, and makes a record of what may have been bought."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from decimal import InvalidOperation
from typing import Any

from seedrender.lock import checks, codec, fold
from seedrender.values.entry import GUESSED, Fingerprint, JobState, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, JobId

_WRONG = (KeyError, TypeError, ValueError, OverflowError, InvalidOperation)
_TEXT = r'": ?"((?:[^"\\]|\\.)+)"'
_FIRST = re.compile(r'.{0,7}?": ?"((?:[^"\\]|\\.)+)"', re.DOTALL)  # the job, whatever its key is
_TASK = re.compile(r'"task_id' + _TEXT)
_CORRELATION = re.compile(r'"correlation_id' + _TEXT)
_MADE_BY = re.compile(r'"made_by' + _TEXT)
_PROVIDER = re.compile(r'"provider' + _TEXT)
_STATE = '"state": "'  # once for the entry, once for each of its tasks
_RECORD = re.compile(r'\{"correlation_id"')
_HEADER = re.compile(r'"(?:lock|journal)": ?([0-9]{1,9})')
_UNREADABLE = "\ufffd"
_NOT_KNOWN = "?"  # sorts before every name and digest: a join prefers those


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
        return JobId(found[1]) if found and found[1] in known else None

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
            fingerprint=Fingerprint(digest=_NOT_KNOWN),
            provider=_plain(next(iter(self._named(_PROVIDER)), _NOT_KNOWN)),
            error=f"{self.file}:{self.number} was damaged{_plain(words)}",
        )

    def salvaged(self, job: JobId) -> tuple[LockEntry, bool]:
        """Return the tasks, the clip and the pin that are whole, and whether no task is missing."""
        row, is_whole = self._parsed()
        entry = LockEntry(job=job)
        provider = row.get("provider") or next(iter(self._named(_PROVIDER)), None)
        for task in row["tasks"]:
            try:
                read = codec.record(task, provider, None)
            except _WRONG:
                is_whole = False
            else:
                entry = fold.join(entry, LockEntry(job=job, tasks=(read,)))
        for key in ("output", "pin"):
            try:
                part = codec.entry({"job": job, key: row.get(key)})
            except ValueError:
                continue
            entry = fold.join(entry, part)
        return entry, is_whole

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
