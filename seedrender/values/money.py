"""Money: amounts in a currency, and prices of which some are unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a job will cost; None where no source says."""

    low: Amount | None = None
    expected: Amount | None = None
    high: Amount | None = None
    source: str = ""
    as_of: date | None = None

    @property
    def is_known(self) -> bool:
        """Whether a source names a figure for this job."""
        return self.expected is not None


UNKNOWN_PRICE = Price()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a task did cost, and who says so."""

    amount: Amount
    source: str  # "provider": reported with the task; "prices": from our own table
