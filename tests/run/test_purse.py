from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from seedrender.plan import graph, make
from seedrender.plan.decide import Facts
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit
from seedrender.plan.paid import charges
from seedrender.run.purse import Allowance, Purse, _sums, purse
from seedrender.values.entry import JobState, Lock, TaskRecord
from seedrender.values.job import Job, JobId
from seedrender.values.money import Amount, Cost, Limit, Price, Quote, exactly, limit
from seedrender.values.task import TaskId, TaskState
from tests import virtual
from tests.builders import entry, job, record
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
    film.provider.finish_everything()
    film.resubmit = (JobId("a"),)

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


@pytest.mark.exhaustive
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


def unbought(*jobs: Job) -> Plan:
    facts = Facts(lock=Lock(manifest="m"), digests={}, is_present=lambda _: True)
    return make.plan(graph.build(jobs), (), facts)


def opened(
    jobs: Sequence[Job],
    *texts: str,
    run: Sequence[str] = (),
    price: Price | None = None,
    lock: Lock | None = None,
    is_unknown_allowed: bool = False,
    route: str = "x",
) -> Purse:
    """The purse of a run that would buy these jobs for two dollars each."""
    allowance = Allowance(
        film=limits(*texts), run=limits(*run), is_unknown_allowed=is_unknown_allowed
    )
    found = price or costs("2")
    return purse(unbought(*jobs), lock or Lock(manifest="m"), lambda _: found, allowance, route)


def bought_before(cost: Cost | None) -> Lock:
    known = record("c0", JobState.SUCCEEDED, provider="x", cost=cost)
    return Lock(manifest="m", entries={JobId("old"): entry("old", known)})


def bought_in(currency: str) -> Lock:
    return bought_before(Cost(amount=Amount(Decimal(1), currency), source="provider"))


def test_play_money_counts_on_the_simulator_alone() -> None:
    known = bought_in("USD")
    task = replace(known.entries[JobId("old")].tasks[0], provider="sim")
    play = replace(known, entries={JobId("old"): entry("old", task)})

    before = [
        opened(shots("a"), "9 USD", lock=lock, route=route).as_json()["limits"][0]["before"]
        for lock, route in ((play, "sim"), (play, "x"), (known, "sim"), (known, "x"))
    ]

    assert before == ["1.00 USD", "0.00 USD", "0.00 USD", "1.00 USD"]


def test_what_is_left_out_is_told_to_programs() -> None:
    known = bought_before(Cost(amount=usd("1.5"), source="provider"))
    found = opened(shots("a", "b"), "4.50 USD", "9 clips", run=["3 clips"], lock=known)
    found.refuse_all()

    assert found.as_json() == {
        "left_out": ["b"],
        "limits": [
            {
                "budget": "run.budget",
                "limit": "4.50 USD",
                "taken": "3.50 USD",
                "before": "1.50 USD",
            },
            {"budget": "run.budget", "limit": "9 clips", "taken": "2 clips", "before": "1 clip"},
            {"budget": "--budget", "limit": "3 clips", "taken": "1 clip", "before": None},
        ],
    }
    assert found.words() == (
        "the budget leaves out 1 job (b): up to 2.00 USD, 1 clip, 5 seconds; nothing of it was "
        "sent. run.budget is 4.50 USD, 3.50 USD of it taken (1.50 USD before this run); 5.50 USD "
        "would do. run.budget is 9 clips, 2 clips of it taken (1 clip before this run). --budget "
        "is 3 clips, 1 clip of it taken"
    )


def test_a_film_of_which_nothing_was_bought_has_nothing_before() -> None:
    found = opened(shots("a"), "9 USD")

    assert found.as_json()["limits"] == [
        {"budget": "run.budget", "limit": "9.00 USD", "taken": "2.00 USD", "before": "0.00 USD"}
    ]


def test_where_nothing_is_left_out_there_is_nothing_to_say() -> None:
    found = opened(shots("a"), "9 USD")
    found.refuse_all()

    assert (found.words(), found.left_out, found.as_json()["left_out"]) == ("", (), [])


def test_without_limits_everybody_buys_and_nothing_is_counted() -> None:
    found = Purse(lambda _: costs("2"))
    intent = record("c1", JobState.SUBMITTING, task_id=None)
    found.note(JobId("a"), intent)
    found.leave(JobId("a"))

    assert virtual.run(found.admit(JobId("a")))[0] is True
    assert found.as_json() == {"left_out": [], "limits": []}
    assert found.quote(job(duration_s=5)) == Quote(
        expected=usd("2"), high=usd("2"), seconds=Decimal(5)
    )
    assert Purse().quote(job()) == Quote()


def test_a_chain_that_is_left_out_is_named_with_all_that_would_be_bought() -> None:
    found = opened([*chain(2), *shots("a")], "3 USD")
    found.refuse_all()

    assert found.left_out == ("fly/01", "fly/02")
    assert found.words().startswith(
        "the budget leaves out 2 jobs (fly/01, fly/02): up to 4.00 USD, 2 clips, "
    )


def test_no_more_than_ten_jobs_are_named() -> None:
    ten, eleven = (
        opened(shots(*(f"s{n:02}" for n in range(count))), "1 USD") for count in (10, 11)
    )
    ten.refuse_all()
    eleven.refuse_all()
    names = ", ".join(f"s{n:02}" for n in range(10))

    assert f"10 jobs ({names}): up to 20.00 USD, 10 clips" in ten.words()
    assert f"11 jobs ({names} …): up to 22.00 USD, 11 clips" in eleven.words()


def test_what_would_do_is_said_only_where_it_is_more_than_the_limit() -> None:
    found = opened(shots("a", "b"), "2 USD", "2 clips")
    found.refuse_all()

    assert found.words().endswith(
        "run.budget is 2.00 USD, 2.00 USD of it taken; 4.00 USD would do. run.budget is 2 clips, 1 "
        "clip of it taken"
    )


def test_a_limit_that_what_is_left_out_does_not_touch_is_told_as_it_is() -> None:
    found = opened(shots("a"), "1 USD", "0.50 CNY")
    found.refuse_all()

    assert found.words().endswith(
        "run.budget is 1.00 USD, 0.00 USD of it taken; 2.00 USD would do. run.budget is 0.50 CNY, "
        "0.00 CNY of it taken"
    )


def test_a_plan_is_cut_to_what_there_is_money_for() -> None:
    found = opened(shots("a", "b"), "3 USD")
    whole = unbought(*shots("a", "b"))

    reachable = found.reachable(whole)

    assert [step.will_submit for step in reachable.steps] == [True, False]
    assert replace(reachable, steps=whole.steps) == whole
    assert (found.is_outside(JobId("a")), found.is_outside(JobId("b"))) == (False, True)


def test_sums_are_told_with_the_currencies_first() -> None:
    both = [{"clips": Decimal(1), "CNY": Decimal(7)}, {"USD": Decimal(2), "seconds": Decimal(5)}]

    found = _sums([*both, {"USD": Decimal(1), "clips": Decimal(1)}])

    assert list(found.items()) == [
        ("CNY", Decimal(7)),
        ("USD", Decimal(3)),
        ("clips", Decimal(2)),
        ("seconds", Decimal(5)),
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(
            lambda: opened(shots("a"), "9 EUR", "5 clips", price=costs("2")),
            "run.budget is 9.00 EUR, and money is paid in USD: give a limit in each currency. Left "
            "out: 1 job (a). Nothing was bought",
            id="another currency",
        ),
        pytest.param(
            lambda: opened(shots("a"), "9 EUR", "9 GBP", lock=bought_in("CNY"), price=costs("2")),
            "run.budget is 9.00 EUR, 9.00 GBP, and money is paid in CNY, USD: give a limit in each "
            "currency. Left out: 1 job (a). Nothing was bought",
            id="two other currencies",
        ),
        pytest.param(
            lambda: opened(shots("a", "b"), "9 USD", "5 clips", price=Price(footage=exactly(5))),
            "run.budget is 9.00 USD and 5 clips, and the price of 2 jobs is not known: a, b; name "
            "the rates in a table (`prices:`), give a budget in clips, or pass "
            "--allow-unknown-price. Left out: 2 jobs (a, b). Nothing was bought",
            id="no price",
        ),
        pytest.param(
            lambda: opened(shots("a"), run=["9 USD"], price=Price(footage=exactly(5))),
            "--budget is 9.00 USD, and the price of 1 job is not known: a; name the rates in a "
            "table (`prices:`), give a budget in clips, or pass --allow-unknown-price. Left out: 1 "
            "job (a). Nothing was bought",
            id="no price, for this run",
        ),
        pytest.param(
            lambda: opened(shots("a"), "9 USD", lock=bought_before(None)),
            "run.budget is 9.00 USD, and of what was bought before, the cost of 1 is not known; "
            "pass --allow-unknown-price to count it as nothing. Left out: 1 job (a). Nothing was "
            "bought",
            id="no cost before",
        ),
    ],
)
def test_why_nothing_at_all_may_be_bought_is_told_with_what_to_do(
    found: Callable[[], Purse], words: str
) -> None:
    told = found()
    told.refuse_all()

    assert told.words() == words
    assert virtual.run(told.admit(JobId("a")))[0] is False


def test_where_nothing_is_wanted_an_unknown_past_stops_nothing() -> None:
    found = opened([], "9 USD", lock=bought_before(None))
    foreign = bought_before(Cost(amount=Amount(Decimal(5), "EUR"), source="provider"))

    assert found.words() == ""
    assert opened([], "9 USD", lock=foreign).words() == ""


def test_unknown_costs_may_be_allowed_for_what_was_and_for_what_will_be() -> None:
    found = opened(
        shots("a"), "9 USD", price=Price(), lock=bought_before(None), is_unknown_allowed=True
    )

    assert virtual.run(found.admit(JobId("a")))[0] is True


def test_who_waits_at_the_door_is_let_in_as_money_comes_free_and_else_sent_away() -> None:
    found = opened(shots("a", "b", "c"), "4 USD", price=costs("2", high="4"))
    intent = replace(record("c1", JobState.SUBMITTING), estimate=Quote(high=usd("4")))
    cheap = replace(intent, state=JobState.SUCCEEDED, cost=Cost(amount=usd("0"), source="provider"))

    async def work() -> list[bool]:
        assert await found.admit(JobId("a"))
        second = asyncio.create_task(found.admit(JobId("b")))
        third = asyncio.create_task(found.admit(JobId("c")))
        await asyncio.sleep(1)
        found.note(JobId("a"), intent)
        await asyncio.sleep(1)
        assert not second.done()
        found.note(JobId("a"), cheap)
        await asyncio.sleep(1)
        assert second.done()
        assert not third.done()
        found.leave(JobId("a"))
        await asyncio.sleep(1)
        assert not third.done()
        found.leave(JobId("b"))
        return [await second, await third]

    assert virtual.run(work())[0] == [True, True]
    assert found.left_out == ()


def test_who_can_get_no_money_any_more_is_sent_away_when_the_last_one_has_spent_it() -> None:
    found = opened(shots("a", "b"), "2 USD")
    intent = replace(record("c1", JobState.SUBMITTING), estimate=Quote(high=usd("2")))

    async def work() -> bool:
        waiting = asyncio.create_task(found.admit(JobId("b")))
        await asyncio.sleep(1)
        found.note(JobId("a"), intent)
        await asyncio.sleep(1)
        assert not waiting.done()
        found.leave(JobId("a"))
        return await waiting

    assert virtual.run(work())[0] is False
    assert found.left_out == ("b",)


def free(name: str, **fields: object) -> TaskRecord:
    """A task that was to cost four dollars and is reported as free."""
    found = record(
        name,
        estimate=Quote(high=usd("4")),
        cost=Cost(amount=usd("0"), source="provider"),
        provider="x",
    )
    return replace(found, state=JobState.FAILED, **fields)  # type: ignore[arg-type]


def running(*names: str) -> Lock:
    """A lock in which job `a` has tasks of earlier runs at the provider."""
    tasks = [replace(free(name), state=JobState.SUBMITTED, cost=None) for name in names]
    return Lock(manifest="m", entries={JobId("a"): entry("a", *tasks)})


def test_nobody_is_sent_away_before_all_tasks_of_an_earlier_run_have_ended() -> None:
    known = running("c1", "c2")
    jobs = shots("a", "b")
    facts = Facts(lock=known, digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build(jobs), (), facts)
    found = purse(plan, known, lambda _: costs("2"), Allowance(film=limits("8 USD")), "x")

    async def work() -> list[bool]:
        waiting = asyncio.create_task(found.admit(JobId("b")))
        seen = []
        for name in ("c1", "c2"):
            await asyncio.sleep(1)
            seen.append(waiting.done())
            paid = replace(free(name), cost=Cost(amount=usd("4"), source="provider"))
            found.note(JobId("a"), paid)
        return [*seen, await waiting]

    assert virtual.run(work())[0] == [False, False, False]
    assert found.left_out == ("b",)


def test_money_that_comes_free_goes_past_somebody_who_left_the_door() -> None:
    known = running("c1")
    jobs = shots("a", "b", "c")
    facts = Facts(lock=known, digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build(jobs), (), facts)
    found = purse(plan, known, lambda _: costs("2"), Allowance(film=limits("6 USD")), "x")

    async def work() -> bool:
        gone, stays = (asyncio.create_task(found.admit(JobId(name))) for name in "bc")
        await asyncio.sleep(1)
        gone.cancel()
        found.note(JobId("a"), free("c1"))
        return await stays

    assert virtual.run(work())[0] is True


def test_what_may_turn_out_to_be_bought_is_not_left_out_before_that_is_known() -> None:
    lost = record("c1", JobState.UNKNOWN, task_id=None, provider="x", estimate=Quote(high=usd("2")))
    known = Lock(manifest="m", entries={JobId("a"): entry("a", lost)})
    facts = Facts(lock=known, digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build(shots("a", "b")), (), facts)
    found = purse(plan, known, lambda _: costs("2"), Allowance(film=limits("3 USD")), "x")

    found.refuse_all()

    assert (found.is_outside(JobId("a")), found.left_out) == (True, ("b",))


@pytest.mark.parametrize(
    ("state", "task_id"), [(JobState.SUBMITTING, None), (JobState.SUCCEEDED, TaskId("task-c1"))]
)
def test_nobody_waits_for_the_end_of_what_will_free_no_money(
    state: JobState, task_id: TaskId | None
) -> None:
    (known,) = running("c1").entries.values()
    task = replace(known.tasks[0], state=state, task_id=task_id)
    lock = Lock(manifest="m", entries={known.job: replace(known, tasks=(task,))})
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build(shots("b", "a")), (), facts)
    found = purse(plan, lock, lambda _: costs("2"), Allowance(film=limits("5 USD")), "x")

    assert virtual.run(found.admit(JobId("b")))[0] is False


def test_a_job_that_leaves_frees_no_money_any_more() -> None:
    lock = running("c1")
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build(shots("a", "b")), (), facts)
    found = purse(plan, lock, lambda _: costs("2"), Allowance(film=limits("5 USD")), "x")

    async def work() -> list[bool]:
        waiting = asyncio.create_task(found.admit(JobId("b")))
        await asyncio.sleep(1)
        before = waiting.done()
        found.leave(JobId("a"))
        return [before, await waiting]

    assert virtual.run(work())[0] == [False, False]


def test_a_lost_submit_that_may_not_be_bought_again_is_left_out_itself() -> None:
    lost = record("c1", JobState.UNKNOWN, task_id=None, provider="x", estimate=Quote(high=usd("2")))
    lock = Lock(manifest="m", entries={JobId("a"): entry("a", lost)})
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build(shots("a")), (), facts)
    found = purse(plan, lock, lambda _: costs("2"), Allowance(film=limits("3 USD")), "x")

    assert virtual.run(found.admit(JobId("a")))[0] is False
    assert found.left_out == ("a",)


def test_what_tasks_cost_is_asked_again_before_each_request(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, shots("a", "b", "c", "d"), film=limits("9 USD"), concurrency=1)
    film.provider.cost = Amount(Decimal(8), "USD")

    film.run()

    assert len(film.provider.received) == 1  # the first one took almost all of it
    assert len(film.left_out) == 3


def test_the_budget_of_a_command_counts_no_less_than_is_published() -> None:
    """Whatever table a film brings: it is the film's word, and the budget is a person's."""
    published = {"a": costs("2"), "b": Price(), "c": costs("2")}

    def opened(allowance: Allowance) -> Purse:
        return purse(
            unbought(*shots("a", "b", "c")),
            Lock(manifest="m"),
            lambda _: costs("0"),
            allowance,
            "x",
            listed=lambda one: published[one.id],
        )

    run = opened(Allowance(run=limits("3 USD")))
    film = opened(Allowance(film=limits("3 USD")))

    assert [run.is_outside(JobId(name)) for name in "abc"] == [False, False, True]
    assert [film.is_outside(JobId(name)) for name in "abc"] == [False, False, False]
