"""Draws lock entries as runs and merges make them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from seedrender.lock import fold
from seedrender.values.entry import Fingerprint, JobState, LockEntry, Pin, TaskRecord
from seedrender.values.job import CorrelationId, JobId
from seedrender.values.money import Amount, Cost, Quote
from seedrender.values.task import Artifact, Frame, TaskId
from tests.builders import T0, clip

times = st.integers(0, 500).map(lambda minutes: T0 + timedelta(minutes=minutes))
costs = st.none() | st.integers(0, 10**6).map(
    lambda n: Cost(amount=Amount(Decimal(n) / 10_000, "USD"), source="provider")
)

frames = st.none() | st.sampled_from("ab").map(
    lambda name: Frame(path=f"renders/.last-frames/{name}.png", sha256=name * 64, size_bytes=9)
)
quotes = st.none() | st.builds(
    Quote,
    expected=st.just(Amount(Decimal("0.690"), "USD")),
    high=st.sampled_from([Amount(Decimal("0.690"), "USD"), Amount(Decimal("1.5"), "USD")]),
    seconds=st.none() | st.just(Decimal(5)),
    source=st.sampled_from(["", "a contract"]),
    as_of=st.none() | st.just(date(2026, 8, 17)),
)


errors = st.none() | st.text(max_size=5) | st.just("given up by --resubmit: HTTP 404")
unread: st.SearchStrategy[dict[str, str]] = st.just({}) | st.dictionaries(
    st.sampled_from(["cost", "render_s"]), st.sampled_from(["-0.276", "NaN"]), max_size=2
)


@st.composite
def clips(draw: st.DrawFn, made_by: str, path: str = "renders/spin.mp4") -> Artifact:
    """A clip that has stayed where it was put, or was moved there later."""
    found = clip(made_by, path, minute=draw(st.integers(0, 9)))
    later = draw(st.none() | st.integers(1, 9))
    placed_at = None if later is None else found.made_at + timedelta(minutes=later)
    differs = draw(st.sampled_from([(), ("asked for 5 s, got 2.04 s",)]))
    known_as = draw(st.none() | st.just("cd" * 32))
    return replace(found, placed_at=placed_at, differs=differs, known_as=known_as)


@st.composite
def records(draw: st.DrawFn) -> TaskRecord:
    """One state of a task record; what never changes follows from its correlation id."""
    number = draw(st.integers(0, 5))
    return TaskRecord(
        correlation_id=CorrelationId(f"c{number}"),
        state=draw(st.sampled_from([s for s in JobState if s is not JobState.DONE])),
        fingerprint=Fingerprint(digest=f"sha256:{number % 3}"),
        provider=("sim", "modellix")[number % 2],
        task_id=draw(st.none() | st.just(TaskId(f"task-{number}"))),
        submitted_at=T0 + timedelta(seconds=number),
        finished_at=draw(st.none() | times),
        estimate=draw(quotes),
        cost=draw(costs),
        error=draw(errors),
        render_s=draw(st.none() | st.floats(0, 1000)),
        last_frame=draw(frames),
        superseded=draw(st.none() | clips(f"c{number}", "renders/.superseded/spin.ab.mp4")),
        unread=draw(unread),
        unlisted_at=draw(st.none() | times),
        account=draw(st.none() | st.just("ab12")),
    )


@st.composite
def entries(draw: st.DrawFn, job: str = "spin") -> LockEntry:
    drawn = st.lists(records(), max_size=4, unique_by=lambda r: r.correlation_id)
    tasks: list[TaskRecord] = draw(drawn)
    tasks.sort(key=lambda r: (r.submitted_at or T0, r.correlation_id))
    output = None
    if draw(st.booleans()) and tasks:
        made_by = draw(st.sampled_from(tasks)).correlation_id
        output = draw(clips(made_by))
    pin = draw(
        st.none() | st.builds(Pin, is_on=st.booleans(), at=times, made_by=st.none() | st.just("c1"))
    )
    drawn_entry = LockEntry(job=JobId(job), tasks=tuple(tasks), output=output, pin=pin)
    return fold.join(drawn_entry, drawn_entry)  # as a store has it
