"""Money: amounts in a currency, rates and prices of which some are unknown, and limits to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from seedrender.values.job import Job, Mode, Tier

CLIPS = "clips"
SECONDS = "seconds"
BY_PROVIDER = "provider"  # a cost that was reported with the task
LIMIT_PATTERN = r"^([0-9]{1,12} (clips?|seconds?)|[0-9]{1,12}(\.[0-9]{1,6})? [A-Z]{3})$"

_MAX_DIGITS = 12  # before the point: more is no sum of money, and arithmetic with it may overflow
_NO_TIME = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money, never a float."""

    value: Decimal
    currency: str

    def __add__(self, other: Amount) -> Amount:
        assert self.currency == other.currency, "amounts of two currencies do not add up"
        return Amount(self.value + other.value, self.currency)

    def __str__(self) -> str:
        whole, _, cents = f"{self.value:.4f}".partition(".")
        return f"{whole}.{cents.rstrip('0').ljust(2, '0')} {self.currency}"


def is_sum(value: Decimal) -> bool:
    """Whether a number that somebody else wrote can be a sum of money."""
    return value.is_finite() and value.adjusted() < _MAX_DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Seconds of video, known within bounds; with equal bounds, known."""

    low: Decimal
    expected: Decimal
    high: Decimal

    def __add__(self, other: Span) -> Span:
        return Span(
            low=self.low + other.low,
            expected=self.expected + other.expected,
            high=self.high + other.high,
        )


NO_VIDEO = Span(low=_NO_TIME, expected=_NO_TIME, high=_NO_TIME)


def exactly(seconds: Decimal | float) -> Span:
    """Return a length that is known."""
    value = Decimal(str(seconds))
    return Span(low=value, expected=value, high=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a job will cost; None where no source says."""

    low: Amount | None = None
    expected: Amount | None = None
    high: Amount | None = None
    source: str = ""
    as_of: date | None = None
    footage: Span | None = None  # that is asked for; None: nobody can say how much
    why: tuple[str, ...] = ()  # low and high differ

    @property
    def is_sound(self) -> bool:
        """Whether its figures can be those of a price: none below zero, and in order."""
        figures = [one.value for one in (self.low, self.expected, self.high) if one is not None]
        is_whole = len(figures) in (0, 3) and all(map(is_sum, figures))
        return is_whole and all(value >= 0 for value in figures) and figures == sorted(figures)

    @property
    def is_known(self) -> bool:
        """Whether a source names a figure for this job."""
        return self.expected is not None


UNKNOWN_PRICE = Price()


class Unit(StrEnum):
    """What a rate is paid for."""

    SECOND = "second"  # of video
    MILLION_TOKENS = "million tokens"  # width x height x 24 / 1024 a second
    CLIP = "clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One row of a price table: what the jobs that fit it cost. None fits every job."""

    provider: str | None = None
    model: str | None = None
    tier: Tier | None = None
    mode: Mode | None = None
    resolution: str | None = None
    value: Decimal
    with_video: Decimal | None = None  # where a clip is among the input; else as `value`
    unit: Unit
    bills_input: bool | None = None  # whether seconds of input video are paid; None: unknown
    currency: str
    source: str
    as_of: date | None

    def covers(self, job: Job, provider: str, resolution: str) -> bool:
        """Whether the row is for this job, which is rendered in this resolution."""
        return all(
            wanted is None or wanted == found
            for wanted, found in (
                (self.provider, provider),
                (self.model, job.model),
                (self.tier, job.tier),
                (self.mode, job.mode),
                (self.resolution, resolution),
            )
        )

    def hides(self, later: Rate) -> bool:
        """Whether no job is left for a row that stands further down."""
        return all(
            own is None or own == other
            for own, other in (
                (self.provider, later.provider),
                (self.model, later.model),
                (self.tier, later.tier),
                (self.mode, later.mode),
                (self.resolution, later.resolution),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a task was to cost when it was bought, as the lock keeps it; None: nobody could say."""

    expected: Amount | None = None
    high: Amount | None = None
    seconds: Decimal | None = None  # of footage, at most
    source: str = ""
    as_of: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a task did cost, and who says so."""

    amount: Amount
    source: str  # BY_PROVIDER: reported with the task; "prices": from our table; "adopt": see there


@dataclass(frozen=True, slots=True)
class Limit:
    """How far spending may go: in a currency, in clips or in seconds of footage."""

    value: Decimal
    unit: str  # CLIPS, SECONDS or a currency

    @property
    def is_money(self) -> bool:
        """Whether it is in a currency."""
        return self.unit not in (CLIPS, SECONDS)

    def __str__(self) -> str:
        return in_words(self.value, self.unit)


def limit(text: str) -> Limit | None:
    """Read `25.00 USD`, `40 clips` or `300 seconds`; None: it is none of them."""
    if not re.fullmatch(LIMIT_PATTERN, text):
        return None
    value, unit = text.split(" ")
    names = {"clip": CLIPS, "second": SECONDS}
    return Limit(Decimal(value), names.get(unit, unit))


def in_words(value: Decimal, unit: str) -> str:
    """Write a sum of any unit: `25.00 USD`, `1 clip`."""
    if unit not in (CLIPS, SECONDS):
        return str(Amount(value, unit))
    number = f"{value:.1f}".removesuffix(".0")
    return f"{number} {unit if number != '1' else unit.removesuffix('s')}"
