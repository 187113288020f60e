"""The wall clock as the lockfile keeps it: UTC, to the millisecond, and never backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_TICK = timedelta(milliseconds=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def wall() -> datetime:
    """Return the time."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Clock:
    """Later than everything that is recorded already, even where the machine's clock was set back.

    Of two clips of a job the later one is its output: a clock that steps back must not undo that.
    """

    def __init__(self, not_before: datetime | None = None) -> None:
        self._last = not_before or _LONG_AGO

    def now(self) -> datetime:
        """Return the time, or a moment after the last one that was recorded."""
        self._last = max(wall(), self._last + _TICK)
        return self._last
