"""Says who holds a manifest: what a run writes of itself, and whether it is still there."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seedrender.project.files import plain_bytes

_MAX_BYTES = 4096  # of a first line that says who it was
_START_FIELD = 19  # of /proc/PID/stat, behind the program's name
_LOCKS = Path("/proc/locks")


def words_to_keep(manifest: str, **more: Any) -> bytes:
    """Return a line by which others know this process."""
    told = {
        **more,
        "manifest": manifest,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "process_started": _start_of(os.getpid()),
    }
    known = {key: value for key, value in told.items() if value is not None}
    return json.dumps(known).encode() + b"\n"


def read(path: Path) -> dict[str, Any] | None:
    """Read what a holder wrote of itself in a file's first line; None: that cannot be read."""
    try:
        line, _, _ = plain_bytes(path).partition(b"\n")
        found = json.loads(line[:_MAX_BYTES])
        is_whole = isinstance(found["pid"], int) and found["pid"] > 0
        is_whole = is_whole and isinstance(found["host"], str)
        return found if is_whole and isinstance(found["started_at"], str) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def words(found: dict[str, Any]) -> str:
    """Put what was read into words."""
    return f"process {found['pid']} on {found['host']}, since {found['started_at']}"


def is_here(found: dict[str, Any]) -> bool:
    """Say whether it is of this machine."""
    return bool(found["host"] == socket.gethostname())


def is_alive(found: dict[str, Any]) -> bool:
    """Say whether the process of this machine is still the one that wrote it."""
    try:
        os.kill(found["pid"], 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # it is another person's
    noted = found.get("process_started")
    return noted is None or noted == _start_of(found["pid"])


def process_with(path: Path) -> int | None:
    """Return the process that has locked a file, where the system tells; None: it does not."""
    try:
        found = path.stat()
        rows = _LOCKS.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return None
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for row in rows:
        fields = row.split()
        if device in fields and "FLOCK" in fields:
            process = fields[fields.index(device) - 1]
            if process.isdecimal() and process not in ("0", str(os.getpid())):
                return int(process)
    return None


def _start_of(process: int) -> int | None:
    """Return when a process started, in the kernel's own units; None: the system does not say."""
    try:
        text = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
        return int(text.rpartition(")")[2].split()[_START_FIELD])
    except (OSError, ValueError, IndexError):
        return None
