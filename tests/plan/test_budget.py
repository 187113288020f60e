from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.lock.fingerprint import fingerprint
from seedrender.plan import graph, make
from seedrender.plan.budget import Account, Budget, Group, groups
from seedrender.plan.decide import Facts
from seedrender.plan.make import Plan
from seedrender.plan.paid import Charge
from seedrender.values.entry import JobState, Lock, LockEntry
from seedrender.values.job import Job, JobId, MediaKind, Mode, Reference, ReferenceUse
from seedrender.values.money import Limit, limit
from tests.builders import entry, job, record


def limits(*texts: str) -> list[Limit]:
    found = [limit(text) for text in texts]
    return [one for one in found if one is not None]


def charge(usd: str | None, seconds: int = 5, currency: str = "USD") -> Charge:
    money = {} if usd is None else {currency: Decimal(usd)}
    return {"clips": Decimal(1), "seconds": Decimal(seconds), **money}


def group(**charges: Charge) -> Group:
    return Group(jobs={JobId(name): charge for name, charge in charges.items()})


def plan(*jobs: Job, entries: Mapping[JobId, LockEntry] | None = None) -> Plan:
    lock = Lock(manifest="m", entries=entries or {})
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True)
    return make.plan(graph.build(jobs), (), facts)


def test_charges_add_up_and_one_of_the_same_key_takes_its_old_place() -> None:
    account = Account("a", limits("10 USD"))

    account.put("one", charge("3"))
    account.put("two", charge("4"))
    account.put("one", charge("5"))
    account.put("two", None)

    assert [account.spent("USD"), account.spent("clips")] == [Decimal(5), Decimal(1)]
    assert (account.holds("one"), account.holds("two")) == (True, False)


@pytest.mark.parametrize(
    ("texts", "fits"),
    [
        pytest.param(["10 USD"], True, id="room to the last cent"),
        pytest.param(["9.99 USD"], False, id="money"),
        pytest.param(["10 USD", "2 clips"], False, id="clips"),
        pytest.param(["10 USD", "14 seconds"], False, id="seconds"),
        pytest.param(["10 USD", "3 clips", "15 seconds"], True, id="all three"),
    ],
)
def test_every_limit_holds(texts: list[str], *, fits: bool) -> None:
    account = Account("a", limits(*texts))
    account.put("before", charge("4"))

    assert account.fits([charge("3"), charge("3")]) == fits


def test_an_unknown_price_does_not_fit_beside_a_limit_in_money() -> None:
    strict = Account("a", limits("10 USD"))
    lenient = Account("a", limits("10 USD"), is_unknown_allowed=True)
    in_clips = Account("a", limits("1 clip"))
    unknown = {JobId("spin"): charge(None)}

    assert (strict.unknown(unknown), lenient.unknown(unknown)) == (("spin",), ())
    fits = [account.fits([charge(None)]) for account in (strict, lenient, in_clips)]
    assert fits == [False, True, True]


def test_what_was_bought_at_an_unknown_cost_leaves_no_room() -> None:
    account = Account("a", limits("10 USD"))
    account.put("before", charge(None))

    assert account.unknown_before == 1
    assert not account.fits([charge("1")])

    account.put("before", charge("2"))

    assert account.unknown_before == 0
    assert account.fits([charge("1")])


def test_every_charge_of_unknown_cost_is_counted_until_it_is_known() -> None:
    account = Account("a", limits("10 USD", "9 clips"))
    for key in ("one", "two", "three"):
        account.put(key, charge(None))
    account.put("one", charge("2"))
    account.put("two", None)

    assert account.unknown_before == 1
    assert Account("a", ()).unknown_before == 0


def test_the_least_that_a_group_takes_is_known_for_each_limit() -> None:
    account = Account("a", limits("10 USD", "9 clips"))
    groups_of = [[charge("2"), charge("3")], [charge("4")], [charge(None), charge("9")]]

    assert account.least(groups_of) == (Decimal(4), Decimal(1))
    assert account.least(groups_of[::2]) == (Decimal(5), Decimal(2))
    assert account.least([[charge(None)]]) == (Decimal(0), Decimal(1))


@pytest.mark.parametrize(("usd", "has_room"), [("6", True), ("6.01", False)])
def test_there_is_room_up_to_the_limit(usd: str, *, has_room: bool) -> None:
    account = Account("a", limits("10 USD", "9 clips"))
    account.put("before", charge("4"))

    assert account.has_room((Decimal(usd), Decimal(8))) is has_room
    assert account.has_room((Decimal(0), Decimal(9))) is False


def test_each_currency_has_a_limit_of_its_own() -> None:
    account = Account("a", limits("10 USD", "50 CNY"))
    account.put("before", charge("49", currency="CNY"))

    assert account.uncovered([charge("1")]) == ()
    assert account.fits([charge("9")])
    assert not account.fits([charge("2", currency="CNY")])


@pytest.mark.parametrize("is_before", [True, False])
def test_a_currency_without_a_limit_is_named(*, is_before: bool) -> None:
    account = Account("a", limits("10 EUR", "5 clips"))
    if is_before:
        account.put("before", charge("1"))

    assert account.uncovered([] if is_before else [charge("1")]) == ("USD",)
    assert Account("a", limits("5 clips")).uncovered([charge("1")]) == ()


def chain(name: str, length: int) -> list[Job]:
    made: list[Job] = []
    for number in range(1, length + 1):
        needs = (made[-1].id,) if made else ()
        made.append(job(f"{name}/{number:02}", needs=needs, duration_s=5, segment=number))
    return made


def grouped(found: Plan) -> list[list[str]]:
    charges = {step.job.id: charge("1") for step in found.steps}
    return [list(one.jobs) for one in groups(found, charges)]


def test_a_chain_is_one_group_and_the_longest_is_first() -> None:
    found = grouped(plan(job("spin", duration_s=5), *chain("fly", 3), *chain("walk", 2)))

    assert found == [["fly/01", "fly/02", "fly/03"], ["walk/01", "walk/02"], ["spin"]]


def test_branches_and_joins_of_branches_are_one_group() -> None:
    jobs = [job("a"), job("b"), job("c", needs=(JobId("a"), JobId("b"))), job("d", needs=("a",))]

    assert sorted(map(sorted, grouped(plan(*jobs)))) == [["a", "b", "c", "d"]]


def using(name: str, picture: str, *needs: str) -> Job:
    made = Reference(name=picture, kind=MediaKind.IMAGE, shot=JobId(picture))
    return job(name, references=(ReferenceUse(reference=made),), needs=needs)


def test_a_group_waits_for_all_pictures_that_its_jobs_use() -> None:
    pictures = [job(name, mode=Mode.T2I) for name in ("p1", "p2")]
    in_a_row = [*pictures, using("a", "p1"), using("b", "p2", "a")]
    joined = [*pictures, using("a", "p1"), using("b", "p2"), job("c", needs=("a", "b"))]

    for jobs in (in_a_row, joined):
        found = plan(*jobs)
        of_all = groups(found, {step.job.id: charge("1") for step in found.steps})
        assert [one.after for one in of_all if "a" in one.jobs] == [{"p1", "p2"}]
        assert [set(one.jobs) for one in of_all if not one.after] == [{"p1"}, {"p2"}]


def test_what_is_paid_already_is_in_no_group_and_a_lost_submit_is() -> None:
    wanted = fingerprint(job("spin"), {}, {})
    running = entry("spin", record("c1", JobState.SUBMITTED, fingerprint=wanted))
    lost = entry("fly/01", record("c2", JobState.UNKNOWN, task_id=None))

    found = plan(
        job("spin"),
        *chain("fly", 2),
        entries={JobId("spin"): running, JobId("fly/01"): lost},
    )

    assert grouped(found) == [["fly/01", "fly/02"]]


def test_a_chain_that_does_not_fit_is_left_out_as_a_whole_and_others_are_not() -> None:
    budget = Budget(
        [Account("a", limits("3 USD"))],
        [
            group(fly1=charge("2"), fly2=charge("2")),
            group(spin=charge("2")),
            group(dusk=charge("2")),
            group(dawn=charge("1")),
        ],
    )

    assert budget.admit() == ("spin", "dawn")
    assert [list(one.jobs) for one in budget.outside] == [["fly1", "fly2"], ["dusk"]]
    assert (budget.is_admitted(JobId("spin")), budget.is_admitted(JobId("fly1"))) == (True, False)
    assert (budget.is_outside(JobId("fly1")), budget.is_outside(JobId("spin"))) == (True, False)
    assert budget.reserved == {"spin", "dawn"}


def test_what_turns_out_cheaper_lets_another_in() -> None:
    budget = Budget([Account("a", limits("3 USD"))], [group(a=charge("2")), group(b=charge("2"))])
    budget.admit()

    budget.take(JobId("a"), "c1", charge("2"))
    before = budget.admit()
    assert budget.reserved == set()
    budget.settle(JobId("a"), "c1", charge("1"))

    assert (before, budget.admit()) == ((), ("b",))


def test_a_submit_that_created_nothing_keeps_its_place_until_its_job_leaves() -> None:
    account = Account("a", limits("3 USD"))
    budget = Budget([account], [group(a=charge("2")), group(b=charge("2"))])
    budget.admit()
    budget.take(JobId("a"), "c1", charge("2"))

    budget.give_back(JobId("a"), "c1")

    assert account.spent("USD") == Decimal(2)
    assert budget.admit() == ()

    budget.leave(JobId("a"))

    assert budget.admit() == ("b",)


def test_a_task_of_an_earlier_run_counts_for_the_film_and_not_for_this_run() -> None:
    film, run = Account("film", limits("10 USD")), Account("run", limits("10 USD"))
    film.put("c1", charge("3"))
    budget = Budget([film, run], [])

    budget.settle(JobId("a"), "c1", charge("2"))

    assert [film.spent("USD"), run.spent("USD")] == [Decimal(2), Decimal(0)]


def test_a_job_that_leaves_takes_nothing_of_a_group_that_was_not_admitted() -> None:
    budget = Budget([Account("a", limits("3 USD"))], [group(a=charge("2"), b=charge("2")), Group()])
    budget.admit()

    budget.leave(JobId("b"))
    budget.leave(JobId("nobody"))

    assert budget.admit() == ("a",)
    assert budget.outside == ()


CENTS = st.integers(0, 300).map(lambda cents: Decimal(cents) / 100)
SIZES = st.lists(st.lists(CENTS, min_size=1, max_size=4), min_size=1, max_size=6)


@given(CENTS, SIZES, st.data())
def test_no_order_of_events_leads_beyond_the_limit_and_no_chain_is_admitted_in_part(
    most: Decimal, sizes: list[list[Decimal]], data: st.DataObject
) -> None:
    made = [
        {JobId(f"{n}/{m}"): charge(str(usd)) for m, usd in enumerate(row)}
        for n, row in enumerate(sizes)
    ]
    account = Account("a", [Limit(most, "USD")])
    budget = Budget([account], [Group(jobs=dict(one)) for one in made])
    prices = {job: found["USD"] for one in made for job, found in one.items()}
    live: dict[str, JobId] = {}
    left: set[JobId] = set()
    for number in range(data.draw(st.integers(0, 30))):
        admitted = {job for job in prices if budget.is_admitted(job)} - left
        free = sorted(admitted - set(live.values()))
        do = data.draw(st.sampled_from(["admit", "take", "settle", "give back", "leave"]))
        if do == "admit":
            budget.admit()
        elif do == "take" and free:
            chosen = data.draw(st.sampled_from(free))
            budget.take(chosen, f"c{number}", charge(str(prices[chosen])))
            live[f"c{number}"] = chosen
        elif do == "settle" and live:
            key = data.draw(st.sampled_from(sorted(live)))
            share = data.draw(st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(1)]))
            budget.settle(live[key], key, charge(str(prices[live[key]] * share)))
            left.add(live.pop(key))
        elif do == "give back" and live:
            key = data.draw(st.sampled_from(sorted(live)))
            budget.give_back(live.pop(key), key)
        elif do == "leave" and free:
            budget.leave(free[0])
            left.add(free[0])
        assert account.spent("USD") <= most
        for one in made:
            assert len({budget.is_admitted(job) for job in one}) == 1


def test_what_an_earlier_run_bought_counts_once_it_is_known_to_cost() -> None:
    """A failure that was free may succeed after all: it never counted before."""
    film = Account("film", limits("10 USD"), counts_earlier=True)
    run = Account("run", limits("10 USD"))
    budget = Budget([film, run], [])

    budget.settle(JobId("a"), "earlier", charge("3"))

    assert [account.spent("USD") for account in (film, run)] == [Decimal(3), Decimal(0)]


def test_an_account_may_count_no_less_than_is_published_until_there_is_a_bill() -> None:
    own, a, b = Account("film", limits("1 USD")), JobId("a"), JobId("b")
    listed = Account("run", limits("7 USD"), counts_listed=True)
    jobs = {a: charge("0.1"), b: charge("0.1")}
    published = {job: {"USD": Decimal(4)} for job in jobs}
    budget = Budget([own, listed], [Group(jobs={job: jobs[job]}) for job in jobs], published)

    assert budget.admit() == (a,)
    assert (own.spent("USD"), listed.spent("USD")) == (Decimal("0.1"), Decimal(4))
    budget.take(a, "c1", charge("0.1"))
    assert (listed.spent("USD"), listed.spent("clips")) == (Decimal(4), Decimal(1))
    budget.settle(a, "c1", charge("0.1"))  # by the film's own table
    assert (listed.spent("USD"), budget.admit()) == (Decimal(4), ())
    budget.settle(a, "c1", charge("3"), is_billed=True)
    assert (own.spent("USD"), listed.spent("USD"), budget.admit()) == (Decimal(3), Decimal(3), ())
    budget.settle(a, "c1", None)
    assert (listed.spent("USD"), budget.admit()) == (Decimal(0), (b,))


def test_a_price_of_ones_own_that_is_higher_than_the_published_one_counts() -> None:
    account = Account("run", limits("7 USD"), counts_listed=True)
    group = Group(jobs={JobId("a"): charge("5")})
    budget = Budget([account], [group], {JobId("a"): {"USD": Decimal(4), "CNY": Decimal(9)}})

    budget.admit()

    assert (account.spent("USD"), account.spent("CNY")) == (Decimal(5), Decimal(9))
