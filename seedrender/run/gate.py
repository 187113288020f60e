"""Says whether more may be bought: yes, not now, or not in this run any more."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

_OF_ONE_SUBMIT = "; nothing was bought"  # others may have been
_ALIKE = 5  # refusals in a row that say the same: what comes next would be refused as well
_PARTICULARS = re.compile(r"[0-9a-f]{8,}|[0-9]+")  # ids and numbers


class Gate:
    """Where every submit passes; it knows who waits for the answer to one."""

    def __init__(self) -> None:
        self.is_open = True
        self.closed_by = ""
        self.has_failed = False  # closed by an error, not by a person or a time limit
        self.awaiting_answer: set[asyncio.Task[None]] = set()
        self._going = asyncio.Event()
        self._going.set()
        self._refusal, self._in_a_row = "", 0

    @property
    def is_paused(self) -> bool:
        """Whether submits wait for a person's word."""
        return not self._going.is_set()

    async def passes(self) -> bool:
        """Wait while it is paused; say whether a submit may leave."""
        await self._going.wait()
        return self.is_open

    def close(self, reason: str, *, has_failed: bool = False) -> None:
        """Let nothing more be bought in this run; the first reason is kept."""
        if self.is_open:
            self.closed_by = reason.replace(_OF_ONE_SUBMIT, "")
            self.is_open, self.has_failed = False, has_failed
        self._going.set()

    def pause(self) -> None:
        """Let submits wait; what is in flight is collected."""
        if self.is_open:
            self._going.clear()

    def resume(self) -> None:
        """Let submits go on."""
        self._going.set()

    def refused(self, words: str, how: str = "were refused alike") -> None:
        """Count bad answers that say the same in a row; close before they become a thousand."""
        kind = _PARTICULARS.sub("#", words)
        self._in_a_row = self._in_a_row + 1 if kind == self._refusal else 1
        self._refusal = kind
        if self._in_a_row >= _ALIKE:
            reason = f"{_ALIKE} submits in a row {how}: {words}"
            self.close(reason, has_failed=True)

    def accepted(self) -> None:
        """Take note that the route works."""
        self._refusal, self._in_a_row = "", 0

    @contextmanager
    def answer_is_due(self) -> Iterator[None]:
        """Mark the time in which a cancel would leave a paid task unknown."""
        task = asyncio.current_task()
        assert task is not None, "jobs are driven in tasks"
        self.awaiting_answer.add(task)
        try:
            yield
        finally:
            self.awaiting_answer.discard(task)
