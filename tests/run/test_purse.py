from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedrender.errors import (
    QuotaError,
    RateLimitedError,
    RejectedError,
    SubmissionUnknownError,
    UnavailableError,
)
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit
from seedrender.plan.paid import charges
from seedrender.run.purse import Allowance, Purse, purse
from seedrender.values.entry import JobState, Lock
from seedrender.values.job import Job, JobId
from seedrender.values.money import Amount, Cost, Limit, Price, Quote, exactly, limit
from seedrender.values.task import TaskState
from tests.builders import job
from tests.run.test_executor import Film, chain


def usd(value: str) -> Amount:
    return Amount(Decimal(value), "USD")


def costs(expected: str, high: str | None = None) -> Price:
    return Price(
        low=usd(expected), expected=usd(expected), high=usd(high or expected), footage=exactly(5)
    )


def limits(*texts: str) -> tuple[Limit, ...]:
    return tuple(found for text in texts if (found := limit(text)) is not None)


@dataclass
class Budgeted(Film):
    """A film whose jobs cost two dollars each, within limits."""

    film: tuple[Limit, ...] = ()
    this_run: tuple[Limit, ...] = ()
    is_unknown_allowed: bool = False
    route: str = "scripted"

    def __post_init__(self) -> None:
        for one in self.jobs:
            self.provider.prices.setdefault(one.id, costs("2"))

    def purse(self, plan: Plan, lock: Lock) -> Purse:
        allowance = Allowance(
            film=self.film, run=self.this_run, is_unknown_allowed=self.is_unknown_allowed
        )
        return purse(plan, lock, self.provider.price, allowance, self.route)

    @property
    def received(self) -> list[str]:
        return sorted(self.provider.received)

    @property
    def left_out(self) -> tuple[str, ...]:
        return self.money.left_out


def shots(*names: str) -> list[Job]:
    return [job(name, duration_s=5) for name in names]


def test_what_fits_is_bought_and_the_rest_is_left_out_with_its_price(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b", "c"), film=limits("4.50 USD", "40 clips"))

    film.run()

    assert (film.received, film.left_out) == (["a", "b"], ("c",))
    assert film.money.words() == (
        "the budget leaves out 1 job (c): up to 2.00 USD, 1 clip, 5 seconds; nothing of it was "
        "sent. run.budget is 4.50 USD, 4.00 USD of it taken; 6.00 USD would do. "
        "run.budget is 40 clips, 2 clips of it taken"
    )


@pytest.mark.parametrize("text", ["5.99 USD", "2 clips", "14 seconds"])
def test_a_chain_is_bought_as_a_whole_or_not_at_all(tmp_path: Path, text: str) -> None:
    jobs = [job("spin", duration_s=4), *chain(3)]
    film = Budgeted(tmp_path, jobs, film=limits(text))

    film.run()

    assert (film.received, film.left_out) == (["spin"], ("fly/01", "fly/02", "fly/03"))


def test_the_longest_chain_goes_before_what_stands_above_it(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, [*shots("a", "b"), *chain(2)], film=limits("5 USD"))

    film.run()

    assert (film.received, film.left_out) == (["fly/01", "fly/02"], ("a", "b"))


def test_the_same_command_again_does_not_start_a_new_budget(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b", "c"), film=limits("4 USD"))
    film.run()

    film.run()

    assert (film.received, film.left_out) == (["a", "b"], ("c",))
    assert "4.00 USD of it taken (4.00 USD before this run)" in film.money.words()


def test_a_budget_of_one_run_counts_this_run_alone(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b", "c"), this_run=limits("1 clip"))
    film.run()
    film.run()

    code = film.run()

    assert (film.received, code) == (["a", "b", "c"], Exit.DONE)


def test_both_budgets_hold(tmp_path: Path) -> None:
    film = Budgeted(
        tmp_path, shots("a", "b", "c"), film=limits("2 clips"), this_run=limits("1 clip")
    )
    film.run()
    film.run()
    film.run()

    assert (film.received, film.left_out) == (["a", "b"], ("c",))


def test_what_the_provider_reports_takes_the_place_of_the_high_estimate(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b", "c"), film=limits("8 USD"))
    for name in ("a", "b", "c"):
        film.provider.prices[name] = costs("2", high="4")
    film.provider.cost = usd("1.90")

    code = film.run()

    assert (code, film.received, film.left_out) == (Exit.DONE, ["a", "b", "c"], ())
    assert film.provider.most_in_flight == 2
    record = film.lock().entries[JobId("a")].tasks[0]
    assert record.estimate == Quote(expected=usd("2"), high=usd("4"), seconds=Decimal(5))
    assert record.cost == Cost(amount=usd("1.90"), source="provider")


def test_a_bill_above_the_estimate_leaves_less_for_the_others(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("3 USD"))
    film.provider.cost = usd("2.50")

    film.run()

    assert (film.received, film.left_out) == (["a"], ("b",))
    assert "2.50 USD of it taken" in film.money.words()


def test_a_submit_that_was_refused_makes_room_for_another(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("2 USD"))
    film.provider.submit_errors["a"].append(RejectedError("a face"))

    code = film.run()

    assert (code, film.received, film.left_out) == (Exit.FAILED, ["b"], ())


def test_a_run_that_is_halted_has_spent_nothing_and_leaves_nobody_at_the_door(
    tmp_path: Path,
) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("2 USD"))
    film.provider.submit_errors["a"].append(QuotaError("no credit"))

    film.run()

    assert (film.received, film.left_out) == ([], ())
    assert film.money.as_json()["limits"][0]["taken"] == "0.00 USD"


def test_a_submit_that_is_tried_again_reserves_once(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("4 USD"))
    film.provider.submit_errors["a"] += [RateLimitedError("later"), UnavailableError("refused")]

    code = film.run()

    assert (code, film.received) == (Exit.DONE, ["a", "b"])


def test_a_lost_answer_counts_as_paid(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("3 USD"))
    film.provider.loses_answer_to("a")

    film.run()

    assert (film.received, film.left_out) == ([], ("b",))
    assert film.state("a") is JobState.UNKNOWN


def test_a_chain_whose_first_segment_fails_gives_back_what_it_held(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, [*chain(2), *shots("spin")], film=limits("4 USD"))
    film.provider.ends_with("fly/01", TaskState.FAILED)

    film.run()

    assert (film.received, film.left_out) == (["fly/01", "spin"], ())


def test_what_is_at_the_provider_already_is_collected_whatever_the_budget(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("4 USD"), stop_after_s=30)
    film.run()
    film.stop_after_s, film.film = None, limits("1 USD")
    film.jobs = [*film.jobs, *shots("c")]
    film.provider.prices["c"] = costs("2")

    film.run()

    assert (film.state("a"), film.state("b")) == (JobState.DONE, JobState.DONE)
    assert (film.received, film.left_out) == (["a", "b"], ("c",))


def test_the_end_of_an_earlier_task_may_make_room(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a"), film=limits("5 USD"), stop_after_s=30)
    film.provider.prices["a"] = costs("2", high="4")
    film.provider.cost = usd("2")
    film.run()
    film.stop_after_s, film.jobs = None, [*film.jobs, *shots("b")]
    film.provider.prices["b"] = costs("2")

    code = film.run()

    assert (code, film.received, film.left_out) == (Exit.DONE, ["a", "b"], ())


def test_an_unknown_price_stops_all_buying(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("9 USD"))
    film.provider.prices["b"] = Price(footage=exactly(5))

    film.run()

    assert (film.received, film.left_out) == ([], ("a", "b"))
    assert "the price of 1 job is not known: b" in film.money.words()


def test_an_unknown_price_may_be_allowed(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("2 USD"), is_unknown_allowed=True)
    film.provider.prices["b"] = Price()

    code = film.run()

    assert (code, film.received) == (Exit.DONE, ["a", "b"])


def test_a_budget_in_clips_needs_no_price(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), this_run=limits("1 clip"))
    film.provider.prices |= {"a": Price(), "b": Price()}

    film.run()

    assert (film.received, film.left_out) == (["a"], ("b",))


def test_a_task_of_unknown_cost_stops_a_budget_in_money(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a"))
    film.provider.prices["a"] = Price()
    film.run()
    film.jobs, film.film = [*film.jobs, *shots("b")], limits("9 USD")
    film.provider.prices["b"] = costs("2")

    film.run()

    assert (film.received, film.left_out) == (["a"], ("b",))
    assert "of what was bought before, the cost of 1 is not known" in film.money.words()


def test_a_budget_in_money_that_the_route_does_not_take_lets_nothing_be_bought(
    tmp_path: Path,
) -> None:
    film = Budgeted(tmp_path, shots("a"), film=limits("9 EUR"), is_unknown_allowed=True)

    film.run()

    assert (film.received, film.left_out) == ([], ("a",))
    assert "run.budget is 9.00 EUR, and money is paid in USD" in film.money.words()


def test_play_money_does_not_count_for_real_routes(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a"), route="sim")
    film.provider.name = "sim"
    film.run()
    film.provider.name = film.route = "scripted"
    film.jobs, film.film = [*film.jobs, *shots("b")], limits("2 USD")
    film.provider.prices["b"] = costs("2")

    code = film.run()

    assert (code, film.received) == (Exit.DONE, ["a", "b"])


def test_a_failed_take_that_reports_no_cost_counts_and_its_repetition_needs_room(
    tmp_path: Path,
) -> None:
    film = Budgeted(tmp_path, shots("a"), film=limits("3 USD"))
    film.provider.ends_with("a", TaskState.FAILED)
    film.run()

    film.run()

    assert (film.received, film.left_out) == (["a"], ("a",))


def test_a_lost_submit_that_turns_out_to_be_nothing_is_bought_with_its_chain(
    tmp_path: Path,
) -> None:
    film = Budgeted(tmp_path, chain(2), film=limits("4 USD"))
    film.provider.loses_answer_to("fly/01")
    film.run()
    film.provider.found = {}

    first = film.run()

    assert (first, film.received, film.left_out) == (Exit.DONE, ["fly/01", "fly/02"], ())


def test_money_that_is_out_of_reach_is_not_asked_of_the_account(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b", "c"), film=limits("4.50 USD"))
    made = film.plan()

    found = film.purse(made, film.lock()).reachable(made)

    assert [step.job.id for step in found.steps if step.will_submit] == ["a", "b"]


FAULTS = (
    *(None, SubmissionUnknownError("lost"), RateLimitedError("later")),
    *(RejectedError("a face"), QuotaError("no credit")),
)


@given(
    most=st.integers(0, 16),
    faults=st.lists(st.sampled_from(FAULTS), max_size=6),
    failing=st.sets(st.sampled_from(["a", "fly/01", "fly/02"])),
    stops=st.lists(st.none() | st.integers(1, 200), min_size=1, max_size=4),
    bill=st.none() | st.integers(0, 2),
)
@settings(max_examples=40)
def test_no_row_of_runs_stops_and_faults_spends_more_than_the_budget(
    most: int,
    faults: list[Exception | None],
    failing: set[str],
    stops: list[int | None],
    bill: int | None,
) -> None:
    jobs = [*shots("a", "b", "c"), *chain(3)]
    with TemporaryDirectory() as folder:
        film = Budgeted(Path(folder), jobs, film=limits(f"{most} USD"))
        film.provider.cost = None if bill is None else usd(str(bill))
        for one, error in zip(jobs, faults, strict=False):
            film.provider.submit_errors[one.id] += [error] if error is not None else []
        for name in failing:
            film.provider.ends_with(name, TaskState.FAILED)
        for stop in stops:
            film.stop_after_s = stop
            film.provider.finish_everything()
            film.run()
        counted = sum(
            charge["USD"] for one in film.lock().entries.values() for _, charge in charges(one)
        )

    assert counted <= most
    assert len(film.received) * (2 if bill is None else bill) <= most


def test_a_stopped_run_leaves_nobody_at_the_door(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b"), film=limits("3 USD"), stop_after_s=30)

    code = film.run()

    assert (code, film.received, film.left_out) == (Exit.UNFINISHED, ["a"], ())
