"""Hands what happens in a run to everybody who is told: none of them can stop the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

from seedrender.run.clock import wall
from seedrender.run.events import Event, JobEvent, Said, job_event
from seedrender.values.job import JobId


class Receiver(Protocol):
    """Something that shows or keeps events. It may raise: the run does not notice."""

    label: str  # for people, where it fails

    def open(self) -> None:
        """Begin."""
        ...

    def receive(self, event: Event) -> None:
        """Take one event."""
        ...

    def close(self) -> str:
        """End; return in words what could not be shown or kept."""
        ...


class Notes(Protocol):
    """What callers tell: a word and a detail of a job, or words of the whole run."""

    def note(self, job: JobId, what: str, detail: str = "") -> None:
        """Take one change of a job's state."""
        ...

    def say(self, words: str) -> None:
        """Take what concerns the whole run."""
        ...


class Announcer:
    """Turns what callers tell into events, and hands each to every receiver.

    Nothing that a receiver does reaches the caller: one that raises is left out from then on, and
    `troubles` says so at the end.
    """

    def __init__(self, receivers: Sequence[Receiver] = (), *, profile: str = "") -> None:
        self._receivers = list(receivers)
        self._profile = profile
        self._troubles: dict[str, str] = {}
        self._last: dict[JobId, tuple[str, str]] = {}

    def __enter__(self) -> Self:
        for receiver in tuple(self._receivers):
            try:
                receiver.open()
            except Exception as error:  # noqa: BLE001 - no listener stops the work
                self._leave_out(receiver, error)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for receiver in tuple(self._receivers):
            try:
                trouble = receiver.close()
            except Exception as error:  # noqa: BLE001 - no listener stops the work
                self._leave_out(receiver, error)
            else:
                if trouble:
                    self._troubles.setdefault(receiver.label, trouble)
        self._receivers.clear()

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be shown or kept, in words: one sentence for each receiver."""
        return tuple(f"{label}: {words}" for label, words in self._troubles.items())

    def note(self, job: JobId, what: str, detail: str = "") -> None:
        """Tell one change of a job's state; what was told of it last is not told again."""
        if self._last.get(job) == (what, detail):
            return
        self._last[job] = (what, detail)
        self.tell(job_event(wall(), self._profile, job, what, detail))

    def say(self, words: str) -> None:
        """Tell what concerns the whole run."""
        self.tell(Said(at=wall(), words=words))

    def tell(self, event: Event) -> None:
        """Hand an event to every receiver."""
        for receiver in tuple(self._receivers):
            try:
                receiver.receive(event)
            except Exception as error:  # noqa: BLE001 - no listener stops the work
                self._leave_out(receiver, error)

    def _leave_out(self, receiver: Receiver, error: Exception) -> None:
        self._receivers.remove(receiver)
        self._troubles.setdefault(receiver.label, reason_of(error))


class _Relay:
    """Hands events on to somebody who takes words only."""

    label = "listener"

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def open(self) -> None:
        """Have nothing to begin."""

    def receive(self, event: Event) -> None:
        """Tell it in words."""
        if isinstance(event, JobEvent):
            self._notes.note(event.job, event.what, event.detail)
        elif isinstance(event, Said):
            self._notes.say(event.words)

    def close(self) -> str:
        """Have nothing to end."""
        return ""


def guarded(listener: Notes) -> Announcer:
    """Return a listener that never raises, whatever this one does."""
    return listener if isinstance(listener, Announcer) else Announcer([_Relay(listener)])


def reason_of(error: BaseException) -> str:
    """Say in a few words what was raised; the words of an error may raise, too."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    try:
        words = str(error)
    except Exception:  # noqa: BLE001 - an error of somebody else's making
        words = ""
    name = type(error).__name__
    return f"{name}: {words}" if words else name
