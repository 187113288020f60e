"""Of several clips of one definition, those are chosen with which the least is to be bought."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.plan import assignment
from seedrender.plan.assignment import Assignment, Clips, Option, Saved
from seedrender.values.job import Job, JobId
from tests.builders import job, record


@dataclass(frozen=True)
class Made:
    """A clip, or a task without one yet, and the clips that it was made of."""

    job: JobId
    identity: str | None
    parents: tuple[str, ...]


@dataclass(frozen=True)
class World:
    jobs: tuple[Job, ...]
    made: tuple[Made, ...]
    selected: frozenset[JobId]

    def options(self, one: Job, given: Clips) -> Sequence[Option]:
        parents = tuple(given.get(parent) for parent in one.parents)
        return [
            Option(record(f"{number}"), clip.identity)
            for number, clip in enumerate(self.made)
            if clip.job == one.id and clip.parents == parents
        ]

    def best(self) -> Mapping[JobId, Option]:
        return Assignment(self.jobs, self.options, self.selected).best()

    def saved(self, chosen: Mapping[JobId, Option]) -> Saved:
        known = [job for job in self.jobs if job.id in chosen]
        return Saved(sum(one.id in self.selected for one in known), len(known))

    def most(self) -> Saved:
        """Try everything."""
        found = Saved()
        picks = [[None, *(m for m in self.made if m.job == one.id)] for one in self.jobs]
        for combination in itertools.product(*picks):
            given = {m.job: m.identity for m in combination if m is not None}
            is_right = all(
                m is None or m.parents == tuple(given.get(p) for p in one.parents)
                for one, m in zip(self.jobs, combination, strict=True)
            )
            if is_right:
                chosen = {m.job: Option(None, None) for m in combination if m}
                found = max(found, self.saved(chosen))
        return found


@st.composite
def worlds(draw: st.DrawFn) -> World:
    jobs: list[Job] = []
    made: list[Made] = []
    for number in range(draw(st.integers(1, 5))):
        parents = draw(st.sets(st.sampled_from([j.id for j in jobs]), max_size=2)) if jobs else ()
        one = job(f"j{number}", needs=tuple(sorted(parents)))
        jobs.append(one)
        for copy in range(draw(st.integers(0, 3))):
            of = [[m.identity for m in made if m.job == p and m.identity] for p in one.parents]
            if all(of):
                identity = None if draw(st.integers(0, 5)) == 0 else f"{number}-{copy}"
                names = tuple(str(draw(st.sampled_from(names))) for names in of)
                made.append(Made(one.id, identity, names))
    selected = draw(st.sets(st.sampled_from([j.id for j in jobs])))
    return World(tuple(jobs), tuple(made), frozenset(selected))


@given(worlds())
def test_no_other_choice_saves_more(world: World) -> None:
    chosen = world.best()
    identities = {job: option.identity for job, option in chosen.items()}

    assert world.saved(chosen) == world.most()
    for one in world.jobs:
        if one.id in chosen:
            assert chosen[one.id] in world.options(one, identities)


def test_what_is_in_its_place_stays_where_that_costs_nothing() -> None:
    one, two = job("a"), job("b", needs=(JobId("a"),))
    made = [Made(one.id, "here", ()), Made(one.id, "other", ())]
    made += [Made(two.id, f"of {name}", (name,)) for name in ("here", "other")]

    chosen = World((one, two), tuple(made), frozenset()).best()

    assert {option.identity for option in chosen.values()} == {"here", "of here"}


@pytest.mark.parametrize(("limit", "value"), [("_MOST_TRIES", 400), ("_MOST_FORKS", 3)])
def test_where_there_is_too_much_to_try_the_first_options_do(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(assignment, limit, value)
    parents = [job(f"p{number}") for number in range(30)]
    child = job("child", needs=tuple(one.id for one in parents))
    made = [Made(p.id, f"{p.id}-{side}", ()) for p in parents for side in "ab"]
    made.append(Made(child.id, "child", tuple(f"{one.id}-a" for one in parents)))

    chosen = World((*parents, child), tuple(made), frozenset()).best()

    assert chosen.keys() == {one.id for one in (*parents, child)}
