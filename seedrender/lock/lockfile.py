"""Turns a lock into the text that is checked in, and that text, of every version, into a lock."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from seedrender.errors import LockCorruptError, LockVersionError
from seedrender.lock import checks, codec, fold
from seedrender.values.entry import Event, JobState, Lock, LockEntry

LOCK_VERSION = 2  # the newest that is read; a lockfile is written in the first that can hold it
REPAIR = "keeps every line that can be read, and says what it keeps"

MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
CHECKSUM_BYTES = len(b', "crc32": "00000000"}')
_BEGINS = (b'{"journal": ', b'{"job": "')  # a journal's first line, and each other one
_CHECKED = re.compile(rb'(\{.*), "crc32": "([0-9a-f]{8})"\}', re.DOTALL)


def dumps(lock: Lock) -> str:
    """Write a header, then one line a job, sorted by id."""
    entries = [_settled(lock.entries[job]) for job in sorted(lock.entries)]
    version = max(map(codec.version, entries), default=1)
    header = codec.json_line({"lock": version, "manifest": lock.manifest})
    return "".join([header, *map(entry_line, entries)])


def loads(text: str, name: str) -> Lock:
    """Read a lockfile; two lines of one job, as a merge leaves them, are joined, in any order.

    Raises: LockVersionError, LockCorruptError.
    """
    lines = [(number, row) for number, row in enumerate(text.split("\n"), 1) if row.strip()]
    if not lines:
        raise damaged(f"{name} is empty")
    marked = next((number for number, row in lines if row.startswith(MARKERS)), None)
    if marked is not None:
        raise LockCorruptError(
            f"{name}:{marked}: a merge left its conflict markers here; `seedrender lock merge` "
            "with the manifest's name joins the two sides: every task id is kept"
        )
    rows = [(number, _row(text, number, name)) for number, text in lines]
    headers = [(number, row) for number, row in rows if "lock" in row]
    manifest = _manifest(headers or rows[:1], name)
    entries = (_entry(row, number, name) for number, row in rows if "lock" not in row)
    return fold.fold(Lock(manifest=manifest), map(_without_planned, entries))


def loads_journal(data: bytes, name: str) -> tuple[Event, ...]:
    """Read a journal's events; a last line that was torn by a crash is ignored.

    Raises: LockVersionError, LockCorruptError.
    """
    lines = list(journal_lines(data))
    if not lines:
        return ()
    number, header = lines[0]
    check_version(_row(_decoded(header), number, name), "journal", name)
    return tuple(_event(row, number, name) for number, row in lines[1:])


def journal_line(event: Event) -> bytes:
    """Write one event as the journal keeps it: with a checksum, so that a flipped bit shows."""
    text = entry_line(event).encode()
    return b'%b, "crc32": "%08x"}\n' % (text[:-2], zlib.crc32(text[:-1]))


def journal_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split a journal into its lines, and number them, without one that was torn at its end.

    A torn line is the beginning of one, and what is behind a line whose checksum is right; anything
    else that stands there is damage.
    """
    *whole, tail = data.split(b"\n")
    for number, row in enumerate(whole, 1):
        if row.strip():
            yield number, row
    found = _CHECKED.match(tail)
    if found and is_whole(found[0]):
        yield len(whole) + 1, found[0]
    elif not _is_torn(tail, _BEGINS[0] if not whole else _BEGINS[1]):
        yield len(whole) + 1, tail


def _is_torn(tail: bytes, begins: bytes) -> bool:
    """Say whether a write that broke off can have left this, of a line that begins so."""
    is_beginning = tail.startswith(begins) or begins.startswith(tail)
    return is_beginning and b"\0" not in tail


def is_whole(row: bytes) -> bool:
    """Say whether a journal's line is as it was written."""
    found = _CHECKED.fullmatch(row)
    return found is not None and zlib.crc32(found[1] + b"}") == int(found[2], 16)


def event(row: bytes) -> Event:
    """Read a journal's line. Raises: ValueError."""
    if not is_whole(row):
        raise ValueError("this line is not as it was written (its checksum differs)")
    return codec.entry(checks.json_object((row[:-CHECKSUM_BYTES] + b"}").decode()))


def entry_line(entry: LockEntry) -> str:
    """Write one entry as the lockfile keeps it."""
    return codec.written(entry, fold.job_state(entry))


def check_version(header: Mapping[str, Any], kind: str, name: str) -> None:
    """Refuse what a newer seedrender wrote. Raises: LockVersionError, LockCorruptError."""
    version = header.get(kind)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _corrupt(name, 1, f'the first line is not {{"{kind}": 1, …}}')
    if version > LOCK_VERSION:
        raise LockVersionError(
            f"{name} has version {version!s:.20} and this seedrender reads up to {LOCK_VERSION}; "
            "upgrade seedrender, nothing was changed"
        )


def _settled(entry: LockEntry) -> LockEntry:
    """Leave out submits that bought nothing, and what mattered only until something was known."""
    made_by = entry.output.made_by if entry.output is not None else None
    bought = _without_planned(entry).tasks
    known = (replace(r, account=None) if r.task_id is not None else r for r in bought)
    kept = tuple(
        replace(record, error=None)
        if record.is_uncollected and (record.superseded or record.correlation_id == made_by)
        else record
        for record in known
    )
    return replace(entry, tasks=kept)


def _without_planned(entry: LockEntry) -> LockEntry:
    """Leave out submits that bought nothing; where a lockfile has one, others know better."""
    bought = tuple(record for record in entry.tasks if record.state is not JobState.PLANNED)
    return replace(entry, tasks=bought)


def _manifest(headers: list[tuple[int, dict[str, Any]]], name: str) -> str:
    """Return whose lock it is; a merge may leave the header twice."""
    for _, header in headers:
        check_version(header, "lock", name)
    found = {str(header.get("manifest", "")) for _, header in headers}
    if len(found) > 1:
        number = headers[-1][0]
        raise _corrupt(name, number, f"it is the lock of two manifests: {sorted(found)}")
    return found.pop()


def _row(text: str, number: int, name: str) -> dict[str, Any]:
    try:
        return checks.json_object(text)
    except ValueError as error:
        raise _corrupt(name, number, str(error)) from None


def _entry(row: Mapping[str, Any], number: int, name: str) -> LockEntry:
    try:
        return codec.entry(row)
    except ValueError as error:
        raise _corrupt(name, number, str(error)) from None


def _event(row: bytes, number: int, name: str) -> Event:
    try:
        return event(row)
    except ValueError as error:
        raise _corrupt(name, number, str(error)) from None


def _decoded(row: bytes) -> str:
    return row.decode(errors="replace")


def damaged(damage: str) -> LockCorruptError:
    """Return the error of a file that cannot be read, with the advice that is always safe."""
    return LockCorruptError(
        f"{damage}; nothing was sent and nothing changed. `seedrender lock repair` with the "
        f"manifest's name {REPAIR}",
        damage=damage,
    )


def _corrupt(name: str, number: int, what: str) -> LockCorruptError:
    return damaged(f"{name}:{number}: {what}")
