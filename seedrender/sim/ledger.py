"""Turns what happens at the simulated provider into a record that survives the process."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from seedrender.errors import ConfigError

_JOURNAL = "ledger.jsonl"
_CLOCK = "clock.json"
NEVER = 1e12  # seconds; some thirty thousand years
_MOST_LINE_BYTES, _MOST_CLOCK_BYTES = 64 << 20, 1 << 12  # as far as a line is read
_LAST = 1e13
_BEAT_S = 1.0  # how often the time is written down while requests come in
_INLINE_CHARS = 2048  # longer data URIs are kept as files
_BLOB = "sim-blob:"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One task, from its creation; its state follows from the time.

    On a wire that lets tasks wait for each other, `starts_at` is NEVER until one is let in.
    """

    task_id: str
    number: int  # in order of creation, from 0
    slug: str
    body: Mapping[str, Any]  # in the words of Modellix; large data URIs in it are kept as files
    request_id: str | None  # the client's own id for the submit
    created_at: float
    starts_at: float
    ends_at: float
    outcome: str  # "success" | "failed" | "canceled"
    faults: tuple[str, ...] = ()
    amount: float | None = None  # what success costs
    wire: str = "modellix"  # which one made it
    account: str = ""  # whose it is, where several share a simulator
    echo: Mapping[str, Any] = field(default_factory=dict)  # what its wire shows on reading
    ready_at: float = 0.0  # when it can start at the earliest, if it waits for others
    render_s: float = 0.0  # how long it takes from its start, if it waits for others
    expires_at: float | None = None  # when it ends, whatever its state
    canceled_at: float | None = None
    is_deleted: bool = False

    @property
    def ended_at(self) -> float:
        """When it comes to its end."""
        if self.canceled_at is not None:
            return self.canceled_at
        return self.ends_at if self.expires_at is None else min(self.ends_at, self.expires_at)

    def phase(self, now: float) -> str:
        """Return the state at a time: pending, processing, then how it ended."""
        if self.canceled_at is not None:
            return "canceled"
        if self.expires_at is not None and self.expires_at <= min(now, self.ends_at):
            return "expired"
        if now < self.starts_at:
            return "pending"
        return "processing" if now < self.ends_at else self.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that a client gave us."""

    file_id: str
    kind: str  # "image" | "video" | "audio"
    extension: str
    filename: str
    size_bytes: int
    created_at: float


@dataclass(slots=True)
class Ledger:
    """Everything that was created, in memory and, line by line, in a folder."""

    folder: Path
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    struck: set[str] = field(default_factory=set)  # faults that strike once, and have
    reads: Counter[str] = field(default_factory=Counter)  # since the start of this process
    downloads: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)  # since the start of this process
    submits: int = 0  # since the beginning, whether a task was created or not
    uploaded: int = 0
    time: tuple[float, float] | None = None  # the simulator's and ours, when last written
    _descriptor: int = -1

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Load what the folder holds, and go on from there. Raises: ConfigError."""
        try:
            return cls._open(folder)
        except OSError as error:
            words = f"the simulator cannot use {folder} ({error.strerror}); nothing was sent"
            raise ConfigError(words) from None

    @classmethod
    def _open(cls, folder: Path) -> Ledger:
        for name in ("clips", "blobs", "media"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            if (folder / name).is_symlink():
                raise OSError(errno.ELOOP, f"{name} is a link, which is not followed")
        ledger = cls(folder)
        ledger._descriptor = _opened(folder / _JOURNAL, os.O_RDWR | os.O_CREAT)
        whole = 0
        with os.fdopen(os.dup(ledger._descriptor), "rb") as file:
            while line := file.readline(_MOST_LINE_BYTES):
                if not line.endswith(b"\n") or not ledger._takes(line):
                    break
                whole += len(line)
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            with os.fdopen(_opened(folder / _CLOCK, os.O_RDONLY), "rb") as file:
                clock = json.loads(file.read(_MOST_CLOCK_BYTES))
            ledger.time = _moment(clock["sim"]), _moment(clock["wall"])
        os.ftruncate(ledger._descriptor, whole)  # a torn last line, or from a damaged one on
        os.lseek(ledger._descriptor, whole, os.SEEK_SET)
        return ledger

    def close(self) -> None:
        """Let the journal go."""
        os.close(self._descriptor)

    def _takes(self, line: bytes) -> bool:
        """Apply a line of the journal; False: it is damaged, and what follows it is forgotten."""
        try:
            self._apply(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            return False
        return True

    def _apply(self, record: Mapping[str, Any]) -> None:
        match record:
            case {"task": task}:
                self._keep(TaskRecord(**{**task, "faults": tuple(task["faults"])}))
            case {"change": str(task_id), **more}:
                self._keep(replace(self.tasks[task_id], **more))
            case {"upload": upload}:
                _check_name(f"{upload['file_id']}.{upload['extension']}")
                _moment(upload["created_at"])
                self.uploads[upload["file_id"]] = Upload(**upload)
                self.uploaded += 1
            case {"forget": file_id}:
                self.uploads.pop(file_id, None)
            case {"struck": key}:
                self.struck.add(key)
            case {"download": task_id}:
                self.downloads[task_id] += 1
            case {"submit": int(number)}:
                self.submits = number

    def _keep(self, task: TaskRecord) -> None:
        """Take a task for known. Raises: ValueError, TypeError where it cannot be one of ours."""
        _check_name(task.task_id)
        times = (task.created_at, task.starts_at, task.ends_at, task.ready_at, task.render_s)
        for moment in (*times, task.expires_at or 0.0, task.canceled_at or 0.0):
            _moment(moment)
        self.tasks[task.task_id] = task

    def _append(self, record: Mapping[str, Any]) -> None:
        self._apply(record)
        os.write(self._descriptor, json.dumps(record, separators=(",", ":")).encode() + b"\n")

    def count_submit(self) -> int:
        """Return the number of this submit, from 1."""
        self._append({"submit": self.submits + 1})
        return self.submits

    def create(self, task: TaskRecord) -> TaskRecord:
        """Write a task down before anybody hears of it."""
        task = replace(task, body=self._without_blobs(task.body))
        self._append({"task": asdict(task)})
        return self.tasks[task.task_id]

    def change(self, task_id: str, **more: float | bool) -> TaskRecord:
        """Write down what happened to a task later."""
        self._append({"change": task_id, **more})
        return self.tasks[task_id]

    def strike(self, key: str) -> bool:
        """Return whether a fault that strikes once does so now."""
        if key in self.struck:
            return False
        self._append({"struck": key})
        return True

    def downloaded(self, task_id: str) -> None:
        """Count a download."""
        self._append({"download": task_id})

    def add_upload(self, upload: Upload, content: bytes) -> None:
        """Keep an uploaded file."""
        _write(self.media_path(upload), content)
        self._append({"upload": asdict(upload)})

    def forget_upload(self, file_id: str) -> None:
        """Delete an uploaded file."""
        self.media_path(self.uploads[file_id]).unlink(missing_ok=True)
        self._append({"forget": file_id})

    def media_path(self, upload: Upload) -> Path:
        """Return where an uploaded file lies."""
        return self.folder / "media" / f"{upload.file_id}.{upload.extension}"

    def beat(self, now: float, wall: float, *, at_once: bool = False) -> None:
        """Write the time down, at most once a second: a killed world goes on from there."""
        if not at_once and self.time is not None and 0 <= wall - self.time[1] < _BEAT_S:
            return
        self.time = now, wall
        _write(self.folder / _CLOCK, json.dumps({"sim": now, "wall": wall}).encode())

    def resumed_at(self, wall: float, speed: float) -> float | None:
        """Return the time at which a world goes on: unserved, its time passes at our own pace.

        The beat may be a second old, so that one passes at full speed: nothing is seen to go back.
        """
        if self.time is None:
            return None
        away = max(0.0, wall - self.time[1])
        return self.time[0] + min(away, _BEAT_S) * speed + max(0.0, away - _BEAT_S)

    def _without_blobs(self, value: Any) -> Any:
        """Move large data URIs into files, named by their digest."""
        if isinstance(value, Mapping):
            return {k: v if k == "prompt" else self._without_blobs(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._without_blobs(item) for item in value]
        if not isinstance(value, str) or len(value) < _INLINE_CHARS:
            return value
        name = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        path = self.folder / "blobs" / name
        if not is_made(path):
            _write(path, value.encode("utf-8", "surrogatepass"))
        return _BLOB + name

    def text_of(self, value: str) -> str:
        """Return a value of a body as it was sent."""
        name = value.removeprefix(_BLOB)
        if name == value or not _DIGEST.fullmatch(name):
            return value
        with os.fdopen(_opened(self.folder / "blobs" / name, os.O_RDONLY), "rb") as file:
            return file.read().decode("utf-8", "surrogatepass")

    def as_json(self, phase: Callable[[TaskRecord], str], request_id: str | None) -> dict[str, Any]:
        """Return what was created, read and downloaded; `request_id` narrows the tasks."""
        tasks = [
            {
                "task_id": task.task_id,
                "wire": task.wire,
                "slug": task.slug,
                "request_id": task.request_id,
                "created_at": task.created_at,
                "ends_at": task.ends_at,
                "state": phase(task),
                "reads": self.reads[task.task_id],
                "downloads": self.downloads[task.task_id],
                "prompt": task.body.get("prompt", ""),
            }
            for task in self.tasks.values()
            if request_id is None or task.request_id == request_id
        ]
        uploads = [asdict(upload) for upload in self.uploads.values()]
        return {"tasks": tasks, "requests": dict(sorted(self.requests.items())), "uploads": uploads}


def is_made(path: Path) -> bool:
    """Say whether a file of ours is there; what a repository planted as a link is none."""
    return path.exists() and not path.is_symlink()


def _moment(value: object) -> float:
    """Return a time that a world may have. Raises: ValueError, TypeError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LAST:
        raise ValueError(value)
    return float(value)


def _check_name(name: str) -> None:
    """Refuse an id that would lead out of the folder of a world. Raises: ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(name)


def _opened(path: Path, flags: int) -> int:
    """Open a plain file, and follow no link; what would wait is none. Raises: OSError."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{path.name} is not a plain file")
    return descriptor


def _write(path: Path, content: bytes) -> None:
    """Put a file in its place; a link that lies there, or where it is made, gives way."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(_opened(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        file.write(content)
    part.replace(path)
