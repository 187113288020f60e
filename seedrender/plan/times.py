"""Turns render times that were seen into a distribution: how many tasks are still out when."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

ENOUGH = 8  # ends that must have been seen: fewer say too little of the spread
_STEP = 0.02  # between two ages of the table, relative to the age
_MOST_ROWS = 400
_LONGEST = 8.0  # of the median: ages beyond it are looked at as those that nobody knows
_SHORTEST = 1 / 30
_LEAST_SPREAD = 0.02  # of the logarithm of the times
_EDGES = 2.5  # spreads beyond the shortest and the longest time


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How many tasks are still out at which age; straight lines between the rows of the table.

    The first age is 0. At the last one a few are still out: what was never seen may happen yet.
    """

    ages: tuple[float, ...]
    out: tuple[float, ...]  # shares, from 1 down
    area: tuple[float, ...]  # under `out`, from 0 to each age

    @property
    def end(self) -> float:
        """The age beyond which nothing is known."""
        return self.ages[-1]

    def out_at(self, age: float) -> float:
        """Return the share of tasks that are still out at an age."""
        if age >= self.end:
            return self.out[-1]
        row = bisect_right(self.ages, age) - 1
        part = (age - self.ages[row]) / (self.ages[row + 1] - self.ages[row])
        return self.out[row] + part * (self.out[row + 1] - self.out[row])

    def late_s(self, seen: float, age: float) -> float:
        """Return how late, on average over all tasks, a look at `age` comes after one at `seen`.

        Those that are out at `seen` count; per task that is still out, divide by `out_at(seen)`.
        """
        return self.out_at(seen) * (age - seen) - (self._area_to(age) - self._area_to(seen))

    def early(self, share: float) -> float:
        """Return the last age at which no larger share has ended."""
        row = bisect_right(self.out, share - 1, key=lambda out: -out) - 1
        return self.ages[row]

    def _area_to(self, age: float) -> float:
        if age >= self.end:
            return self.area[-1] + (age - self.end) * self.out[-1]
        row = bisect_right(self.ages, age) - 1
        width = age - self.ages[row]
        return self.area[row] + width * (self.out[row] + self.out_at(age)) / 2


def learn(ended: Sequence[float], still_out: Sequence[float], step_s: float) -> Times | None:
    """Build the distribution from seconds; None: they say too little.

    `still_out` are ages at which tasks were known to run: a batch's first ends are its quickest.
    Rows are at most `step_s` apart, but for the first one: nothing happens before it.
    """
    ended = [max(seconds, 1e-3) for seconds in ended]
    if len(ended) < ENOUGH:
        return None
    weights = _weights(ended, still_out)
    known = sum(weight for _, weight in weights)
    if known < 0.5:  # noqa: PLR2004 - less than half of them have ended: the spread is unknown
        return None
    unlike = 1 / (len(ended) + 1)  # the chance that the next takes longer than any before
    spread = _spread(weights, len(ended))
    ages = _ages(weights, spread, step_s)
    ended_by = _smoothed(weights, spread)
    out = [1 - (1 - unlike) * ended_by(age) for age in ages[2:]]
    return _table(ages, (1.0, 1.0, *out))  # what is smoothed to before the rows comes after one


def _weights(ended: Sequence[float], still_out: Sequence[float]) -> list[tuple[float, float]]:
    """Weigh ends so that tasks which are still out count too (Kaplan and Meier)."""
    left = len(ended) + len(still_out)
    share = 1.0
    weights = []
    for seconds, is_out in sorted([(s, False) for s in ended] + [(s, True) for s in still_out]):
        if not is_out:
            weights.append((seconds, share / left))
            share -= share / left
        left -= 1
    return weights


def _spread(weights: Sequence[tuple[float, float]], count: int) -> float:
    """Return the width of the smoothing, on the scale of logarithms (Silverman's rule)."""
    total = sum(weight for _, weight in weights)
    mean = sum(weight * math.log(s) for s, weight in weights) / total
    deviation = math.sqrt(sum(w * (math.log(s) - mean) ** 2 for s, w in weights) / total)
    quartiles = math.log(_quantile(weights, 0.75) / _quantile(weights, 0.25)) / 1.349
    width = min(deviation, quartiles) or deviation
    return max(0.9 * width * math.pow(count, -0.2), _LEAST_SPREAD)


def _quantile(weights: Sequence[tuple[float, float]], share: float) -> float:
    sums = list(accumulate(weight for _, weight in weights))
    return weights[bisect_left(sums, share * sums[-1])][0]


def _ages(weights: Sequence[tuple[float, float]], spread: float, step_s: float) -> list[float]:
    """Return the rows: close together where tasks end, none before the first of them does."""
    median, edge = _quantile(weights, 0.5), math.exp(_EDGES * spread)
    age = max(weights[0][0], median * _SHORTEST) / edge
    last = min(weights[-1][0], median * _LONGEST) * edge
    ages = [0.0, age]
    while age < last and len(ages) < _MOST_ROWS:
        age = min(age + min(age * _STEP, step_s), last)
        ages.append(age)
    return ages


def _table(ages: Sequence[float], out: Sequence[float]) -> Times:
    falling = tuple(accumulate(out, min))
    trapezes = [
        (b - a) * (falling[row] + falling[row + 1]) / 2 for row, (a, b) in enumerate(pairwise(ages))
    ]
    area = tuple(accumulate(trapezes, initial=0.0))
    return Times(ages=tuple(ages), out=falling, area=area)


def _smoothed(weights: Sequence[tuple[float, float]], spread: float) -> Callable[[float], float]:
    """Return the share that has ended by an age: each end is a normal distribution of its own.

    It is asked for hundreds of ages, of hundreds of ends each: what can be is done once.
    """
    known, width = sum(weight for _, weight in weights), spread * math.sqrt(2)
    ends = [(math.log(seconds) / width, weight) for seconds, weight in weights]
    erf = math.erf

    def ended_by(age: float) -> float:
        place = math.log(age) / width
        return (known + sum([weight * erf(place - end) for end, weight in ends])) / 2

    return ended_by
