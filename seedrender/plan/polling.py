"""Turns a distribution of render times into the ages at which to look at a task."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seedrender.plan.times import Times
from seedrender.values.job import Job
from seedrender.values.manifest import PollSchedule

Group = tuple[str, ...]  # provider, model, tier, resolution, duration; a prefix is a coarser one

_COARSEST = 2  # times of another provider or model say nothing
_HALVINGS = 16
_MOST_LOOKS = 5000
_MARGIN = 0.97  # of the looks that the schedule takes: its times are estimates
_DEAREST_S = 1e6
_CHEAPEST_S = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """When to look at tasks whose times are known.

    `price_s` is what a look costs, in seconds of lateness: the exchange rate at which a course
    spends no more looks than the fixed schedule does on the same times.
    """

    times: Times
    price_s: float
    looks: float  # expected, per task
    late_s: float  # expected
    max_interval_s: float
    following: tuple[int, ...]  # row of the last look → row of the next one

    def next_age(self, age: float) -> float | None:
        """Return when to look again at a task that runs at this age; None: nothing is known."""
        ages = self.times.ages
        row = bisect_right(ages, age) - 1
        if row < len(ages) - 1 and ages[row + 1] - age < self._step(row) / 2:
            row += 1  # the nearest row: a look that came late is not followed at once by the next
        if row == len(ages) - 1:
            return None
        found = ages[self.following[row]]
        return found if row == 0 else min(found, age + self.max_interval_s)

    def _step(self, row: int) -> float:
        """Return the distance of the rows there; before the first end there are none."""
        row = max(1, row)
        return self.times.ages[row + 1] - self.times.ages[row]

    def urgency(self, seen: float, age: float) -> float:
        """Return the lateness to be expected since a look at `seen`, in prices of a look.

        Where looks are shared, it is time for one when the sum over the tasks comes to 1: then
        lateness and looks cost the same, which makes their sum least.
        """
        return self.times.late_s(seen, age) / self.times.out_at(seen) / self.price_s


def group(provider: str, job: Job) -> Group:
    """Return what a job's time depends on, the most important first."""
    return named_group(provider, job.model, job.tier.value, job.resolution, job.duration_s)


def named_group(provider: str, *parts: object) -> Group:
    """Return the group of the parts' words; what was not said is a word of its own."""
    return (provider, *("" if part is None else str(part) for part in parts))


def coarser(finest: Group) -> Iterator[Group]:
    """Yield a group and what it is part of, the finest first."""
    for length in range(len(finest), _COARSEST - 1, -1):
        yield finest[:length]


def fixed_wait_s(poll: PollSchedule, looks: int) -> float:
    """Return how long the fixed schedule waits after so many looks."""
    if looks == 0:
        return poll.first_s
    doublings = min(looks - 1, 64)
    return float(min(poll.interval_s * 2**doublings, poll.max_interval_s))


def course(times: Times, poll: PollSchedule, most_looks: float = math.inf) -> Course | None:
    """Place looks where ends are likely: as few as the schedule's, and not above `most_looks`.

    None: the fixed schedule is as good.
    """
    fixed_looks, fixed_late_s = _fixed(times, poll)
    budget = max(1.0, min(_MARGIN * fixed_looks, most_looks))
    dear, cheap = math.log(_DEAREST_S), math.log(_CHEAPEST_S)
    best = _at_price(times, poll, _DEAREST_S)
    for _ in range(_HALVINGS):
        price = (dear + cheap) / 2
        tried = _at_price(times, poll, math.exp(price))
        if tried.looks <= budget:
            best, dear = tried, price
        else:
            cheap = price
    return best if most_looks < fixed_looks or best.late_s < fixed_late_s else None


def _fixed(times: Times, poll: PollSchedule) -> tuple[float, float]:
    """Return how many looks the fixed schedule takes, and how late they are, on average."""
    seen = looks = late_s = 0.0
    count = 0
    while seen < times.end:
        if count == _MOST_LOOKS:
            return looks, math.inf
        age = seen + fixed_wait_s(poll, count)
        looks += times.out_at(seen)
        late_s += times.late_s(seen, age) - (times.out[-1] * max(0.0, age - times.end))
        count, seen = count + 1, age
    return looks, late_s


def _at_price(times: Times, poll: PollSchedule, price_s: float) -> Course:
    """Find the looks that cost least, lateness and price together, by dynamic programming.

    From the last row backwards: the best next look after each row. It moves forward with the row,
    since the cost fulfils the quadrangle inequality; so few are tried.
    """
    ages, out, area = times.ages, times.out, times.area
    last = len(ages) - 1
    looks, late = [0.0] * (last + 1), [0.0] * (last + 1)
    onward = [0.0] * last + [-area[last]]  # what follows a row costs, without the area before it
    following = [last] * (last + 1)
    for row in range(last - 1, -1, -1):
        furthest = last  # the first look may come as late as it likes
        if row:
            furthest = min(following[row + 1], _reach(ages, row, poll.max_interval_s))
        share = out[row]
        cheapest, to = min(
            (share * ages[to] + onward[to], to) for to in range(row + 1, furthest + 1)
        )
        late_s = share * (ages[to] - ages[row]) - (area[to] - area[row])
        following[row] = to
        looks[row], late[row] = share + looks[to], late_s + late[to]
        onward[row] = share * (price_s - ages[row]) + cheapest
    return Course(
        times=times,
        price_s=price_s,
        looks=looks[0],
        late_s=late[0],
        max_interval_s=poll.max_interval_s,
        following=tuple(following),
    )


def _reach(ages: Sequence[float], row: int, interval_s: float) -> int:
    """Return the furthest row within an interval, at least the next one."""
    return max(row + 1, bisect_right(ages, ages[row] + interval_s) - 1)
