from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from seedrender.plan.paid import (
    NO_RETAKES,
    balance,
    charge,
    charges,
    quoted,
    records_of,
    retakes,
    said,
)
from seedrender.values.entry import NEVER_BEGUN, Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.money import Amount, Cost, Quote
from tests.builders import clip, entry, record


def usd(value: str) -> Amount:
    return Amount(Decimal(value), "USD")


QUOTE = Quote(expected=usd("1"), high=usd("1.5"), seconds=Decimal(5))


def cost(value: str, source: str = "provider") -> Cost:
    return Cost(amount=usd(value), source=source)


def bought(state: JobState, **fields: Any) -> TaskRecord:
    return record("c1", state, **{"provider": "modellix", "estimate": QUOTE, **fields})


@pytest.mark.parametrize(
    ("found", "money"),
    [
        pytest.param(bought(JobState.SUBMITTING, task_id=None), "1.5", id="an intent"),
        pytest.param(bought(JobState.UNKNOWN, task_id=None), "1.5", id="a lost answer"),
        pytest.param(bought(JobState.SUBMITTED), "1.5", id="running"),
        pytest.param(bought(JobState.SUCCEEDED), "1.5", id="done, and no cost reported"),
        pytest.param(bought(JobState.SUCCEEDED, cost=cost("0.7")), "0.7", id="done and reported"),
        pytest.param(bought(JobState.SUCCEEDED, cost=cost("0")), "0", id="a clip as a gift"),
        pytest.param(bought(JobState.SUCCEEDED, cost=cost("-9")), "0", id="a negative cost"),
        pytest.param(bought(JobState.FAILED), "1.5", id="failed: nobody says that it is free"),
        pytest.param(bought(JobState.FAILED, cost=cost("0.2")), "0.2", id="failed and billed"),
        pytest.param(bought(JobState.FAILED, cost=cost("0")), None, id="failed, reported free"),
        pytest.param(
            bought(JobState.FAILED, provider="byteplus"), "1.5", id="failed on Ark, with tokens"
        ),
        pytest.param(
            bought(JobState.BLOCKED, provider="volcengine"), "1.5", id="moderated, with tokens"
        ),
        pytest.param(
            bought(JobState.CANCELLED, error=NEVER_BEGUN), None, id="cancelled in the queue"
        ),
        pytest.param(bought(JobState.FAILED, provider="of a plugin"), "1.5", id="a plugin's"),
        pytest.param(bought(JobState.EXPIRED, provider="byteplus"), "1.5", id="gone on Ark"),
        pytest.param(bought(JobState.BLOCKED), "1.5", id="refused after it was created"),
        pytest.param(bought(JobState.BLOCKED, task_id=None), None, id="refused at the door"),
        pytest.param(bought(JobState.CANCELLED, task_id=None), "1.5", id="given up by a person"),
        pytest.param(bought(JobState.SUCCEEDED, task_id=None), None, id="a clip taken over"),
        pytest.param(bought(JobState.PLANNED, task_id=None), None, id="not accepted"),
    ],
)
def test_what_counts_as_paid(found: TaskRecord, money: str | None) -> None:
    result = charge(found)

    assert (result and result["USD"]) == (Decimal(money) if money is not None else None)


def test_what_is_not_known_of_a_task_is_missing_from_its_charge() -> None:
    bare = bought(JobState.SUBMITTED, estimate=None)

    assert charge(bare) == {"clips": Decimal(1)}
    assert charge(bare, clip()) == {"clips": Decimal(1), "seconds": Decimal(5)}
    assert charge(bare, replace(clip(), duration_s=None)) == {"clips": Decimal(1), "seconds": 0}
    assert charge(bought(JobState.SUBMITTED, estimate=Quote(expected=usd("1")))) == {
        "clips": Decimal(1)
    }


def test_a_reported_cost_takes_the_place_of_an_estimate_in_another_currency() -> None:
    paid = bought(
        JobState.SUCCEEDED, cost=Cost(amount=Amount(Decimal(7), "CNY"), source="provider")
    )

    assert charge(paid) == {"clips": Decimal(1), "seconds": Decimal(5), "CNY": Decimal(7)}


def lock(*entries: LockEntry) -> Lock:
    return Lock(manifest="m", entries={one.job: one for one in entries})


def takes(kept: int, lost: int, provider: str = "modellix") -> Lock:
    def done(name: str) -> TaskRecord:
        return record(name, JobState.SUCCEEDED, provider=provider)

    entries = [entry(f"k{n}", done(f"k{n}"), output=clip(f"k{n}")) for n in range(kept)]
    failed = (
        record(f"l{n}", JobState.FAILED, provider=provider, cost=cost("1")) for n in range(lost)
    )
    return lock(*entries, *(entry(f"l{n}", one) for n, one in enumerate(failed)))


@pytest.mark.parametrize(
    ("kept", "lost", "share"),
    [
        pytest.param(0, 0, "0", id="no history"),
        pytest.param(4, 4, "0", id="too short a history"),
        pytest.param(10, 0, "0", id="nothing lost"),
        pytest.param(10, 3, "0.3", id="three of ten"),
        pytest.param(5, 5, "1", id="enough of a history"),
    ],
)
def test_the_share_of_retakes_comes_from_the_lock(kept: int, lost: int, share: str) -> None:
    assert retakes(takes(kept, lost), "modellix").share == Decimal(share)


ASIDE = replace(clip("c0", "renders/.superseded/a.mp4"), sha256="cd" * 32)


@pytest.mark.parametrize(
    ("before", "paid"),
    [
        pytest.param(record("c0", JobState.SUCCEEDED, superseded=ASIDE), 2, id="made once more"),
        pytest.param(
            record(
                "c0",
                JobState.SUCCEEDED,
                superseded=ASIDE,
                fingerprint=Fingerprint(digest="sha256:o"),
            ),
            2,
            id="of another definition",
        ),
        pytest.param(record("c0", JobState.SUBMITTED), 1, id="in flight"),
        pytest.param(record("c0", JobState.UNKNOWN, task_id=None), 1, id="perhaps in flight"),
    ],
)
def test_a_retake_is_what_failed_or_was_made_again_as_it_was(before: TaskRecord, paid: int) -> None:
    made = entry("a", before, record("c1", JobState.SUCCEEDED), output=clip("c1"))
    is_same = before.superseded is not None and before.fingerprint == record().fingerprint

    found = retakes(lock(made), "sim")

    assert (found.paid, found.paid - found.kept) == (paid, int(is_same))


def test_simulated_takes_say_nothing_about_real_ones() -> None:
    simulated = takes(10, 3, provider="sim")

    assert retakes(simulated, "byteplus") == NO_RETAKES
    assert retakes(simulated, "sim").paid == 13


def test_actual_costs_are_compared_with_the_estimates_of_the_same_tasks() -> None:
    cny = Amount(Decimal(7), "CNY")
    found = balance(
        [
            bought(JobState.SUCCEEDED, cost=cost("1.10")),
            bought(JobState.SUCCEEDED, cost=cost("2"), estimate=None),
            bought(JobState.SUCCEEDED),
            bought(JobState.BLOCKED, task_id=None),
            bought(JobState.SUBMITTED),
            bought(JobState.SUCCEEDED, cost=Cost(amount=cny, source="provider")),
            bought(JobState.SUCCEEDED, cost=cost("0.25")),
        ]
    )

    assert (found.tasks, found.unknown) == (6, 2)
    assert (found.paid, found.compared, found.expected) == (
        {"USD": Decimal("3.35"), "CNY": Decimal(7)},
        {"USD": Decimal("1.35")},
        {"USD": Decimal(2)},
    )


def test_the_seconds_of_a_take_are_those_of_its_own_clip() -> None:
    longer = replace(clip("c1"), duration_s=7.0)
    older = record("c1", JobState.SUCCEEDED, superseded=longer)
    newer, other = (record(name, JobState.SUCCEEDED) for name in ("c2", "c3"))
    spin = entry("spin", older, newer, other, output=clip("c2"))

    found = [(one.correlation_id, paid.get("seconds")) for one, paid in charges(spin)]

    assert found == [("c1", Decimal(7)), ("c2", Decimal(5)), ("c3", None)]


def test_small_and_negative_prices_are_what_they_are_and_nothing() -> None:
    assert quoted(Quote(high=usd("0.05"))) == {"clips": Decimal(1), "USD": Decimal("0.05")}
    assert quoted(Quote(high=usd("-1"))) == {"clips": Decimal(1), "USD": Decimal(0)}


def test_sums_of_two_currencies_stand_side_by_side() -> None:
    assert said({"USD": Decimal(1), "CNY": Decimal(7)}) == "7.00 CNY + 1.00 USD"


def test_records_are_found_by_their_correlation_id_with_the_clip_that_they_made() -> None:
    older = record("c1", JobState.SUCCEEDED, superseded=clip("c1"))
    newer = record("c2", JobState.SUCCEEDED)
    free = record("c3", JobState.PLANNED)

    found = records_of(lock(entry("spin", older, newer, free, output=clip("c2"))))

    assert {key: charge for key, (_, charge) in found.items()} == {
        "c1": {"clips": Decimal(1), "seconds": Decimal(5)},
        "c2": {"clips": Decimal(1), "seconds": Decimal(5)},
    }
