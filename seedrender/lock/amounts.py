"""Turns amounts, costs and quotes into the lock's JSON, and back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any

from seedrender.lock import checks
from seedrender.values.money import Amount, Cost, Quote, is_sum

AMOUNT_KEYS = frozenset({"amount", "currency"})
COST_KEYS = AMOUNT_KEYS | {"source"}
QUOTE_KEYS = COST_KEYS | {"high", "seconds", "as_of"}
_MAX_CHARS = 40
_NO_NUMBER = Decimal("NaN")


def amount_json(value: Amount | None) -> dict[str, str] | None:
    """Write a sum of money."""
    return None if value is None else {"amount": str(value.value), "currency": value.currency}


def cost_json(value: Cost) -> dict[str, str]:
    """Write what a task cost, and who says so."""
    return {**(amount_json(value.amount) or {}), "source": value.source}


def quote_json(value: Quote | None) -> dict[str, str] | None:
    """Write an estimate; the high end only where it is another."""
    if value is None:
        return None
    has_range = value.high is not None and value.high != value.expected
    known = {
        **(amount_json(value.expected) or {}),
        "high": str(value.high.value) if has_range and value.high is not None else None,
        "seconds": None if value.seconds is None else str(value.seconds),
        "source": value.source or None,
        "as_of": None if value.as_of is None else value.as_of.isoformat(),
    }
    return {key: text for key, text in known.items() if text is not None}


def amount(value: Any, keys: Collection[str] = AMOUNT_KEYS) -> Amount:
    """Read a sum. Raises: KeyError, TypeError, ValueError, InvalidOperation."""
    checks.only_keys(value, keys)
    return Amount(_sum(value["amount"]), checks.text(value["currency"]))


def cost(value: Any) -> Cost:
    """Read a cost. Raises: as `amount`."""
    return Cost(amount=amount(value, COST_KEYS), source=checks.text(value["source"]))


def quote(value: Any) -> Quote:
    """Read an estimate. Raises: as `amount`."""
    checks.only_keys(value, QUOTE_KEYS)
    expected = amount(value, QUOTE_KEYS) if "amount" in value else None
    high = amount({**value, "amount": value["high"]}, QUOTE_KEYS) if "high" in value else expected
    return Quote(
        expected=expected,
        high=high,
        seconds=_sum(value["seconds"]) if "seconds" in value else None,
        source=checks.text(value["source"]) if "source" in value else "",
        as_of=date.fromisoformat(checks.text(value["as_of"])) if "as_of" in value else None,
    )


def _sum(value: object) -> Decimal:
    text = checks.text(value)
    number = Decimal(text) if len(text) <= _MAX_CHARS else _NO_NUMBER
    is_amount = is_sum(number) and number >= 0
    if not is_amount or number.as_tuple().exponent < -_MAX_CHARS:  # type: ignore[operator]
        raise ValueError(f"{checks.short(text)} is not an amount")
    return number
