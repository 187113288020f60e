from __future__ import annotations

from decimal import Decimal

from seedrender.plan import against, graph, make
from seedrender.plan.against import Comparison, Film
from seedrender.plan.make import Facts
from seedrender.values.entry import Lock
from seedrender.values.job import Job
from seedrender.values.money import UNKNOWN_PRICE, Amount, Price
from tests.builders import clip, entry, job, record

LOCK = Lock(manifest="film.yaml")


def price(amount: str, currency: str = "USD") -> Price:
    found = Amount(Decimal(amount), currency)
    return Price(low=found, expected=found, high=found)


def film(*jobs: Job, costs: Price = UNKNOWN_PRICE, **moved: str) -> Film:
    return Film(jobs=jobs, digests={}, lock=LOCK, price=lambda _: costs, moved=moved)


def compare(before: Film, now: Film) -> Comparison:
    facts = Facts(lock=now.lock, digests={}, is_present=lambda _: True)
    return against.compare(before, now, make.plan(graph.build(now.jobs), (), facts))


def test_two_currencies_have_no_difference() -> None:
    found = compare(film(job(), costs=price("1")), film(job(), costs=price("2", "CNY")))

    assert found.difference is None


def test_what_has_no_price_before_costs_all_of_it_more() -> None:
    found = compare(film(), film(job(), costs=price("2")))

    assert found.difference is not None
    assert str(found.difference.expected) == "2.00 USD"


def test_what_is_not_priced_on_either_side_is_counted() -> None:
    found = compare(film(job("a")), film(job("a"), job("b", prompt="Another.")))

    assert found.difference is not None
    assert (found.difference.expected, found.difference.unknown) == (None, 1)
    assert found.to_buy.unknown == 1


def test_two_jobs_that_showed_the_same_are_renamed_one_to_one() -> None:
    found = compare(film(job("a"), job("b")), film(job("x"), job("y"), job("z")))

    assert found.renamed == (("a", "x"), ("b", "y"))
    assert [step.job.id for step in found.added] == ["z"]
    assert found.removed == ()


def test_a_chain_whose_name_changes_is_renamed_and_no_segment_changes() -> None:
    before = film(job("fly/01", prompt="One."), job("fly/02", prompt="Two.", needs=("fly/01",)))
    now = film(
        job("run/01", prompt="One."), job("run/02", prompt="Two.", needs=("run/01",)), fly="run"
    )

    found = compare(before, now)

    assert found.renamed == (("fly/01", "run/01"), ("fly/02", "run/02"))
    assert (found.changed, found.unchanged) == ((), 2)


def test_a_segment_that_continues_a_new_clip_is_changed() -> None:
    second = job("fly/02", prompt="Two.", needs=("fly/01",))

    found = compare(film(second), film(job("fly/01", prompt="One."), second))

    assert [(one.step.job.id, one.follows) for one in found.changed] == [("fly/02", "fly/01")]


def test_a_segment_that_continues_another_clip_of_before_is_changed() -> None:
    first, other = job("a", prompt="One."), job("b", prompt="Two.")

    found = compare(
        film(first, other, job("c", needs=("a",))), film(first, other, job("c", needs=("b",)))
    )

    assert [(one.step.job.id, one.follows) for one in found.changed] == [("c", "b")]


def test_a_segment_that_stands_alone_now_is_changed() -> None:
    first = job("a", prompt="One.")

    found = compare(film(first, job("c", needs=("a",))), film(first, job("c")))

    assert [(one.step.job.id, one.follows) for one in found.changed] == [("c", None)]


def test_what_is_rendered_already_is_not_to_be_bought() -> None:
    new = job("new")
    facts = Facts(lock=LOCK, digests={}, is_present=lambda _: True)
    step = make.plan(graph.build([new]), (), facts).steps[0]
    assert step.fingerprint is not None
    made = record("c1", fingerprint=step.fingerprint)
    lock = Lock(
        manifest="film.yaml",
        entries={new.id: entry("new", made, output=clip("c1", new.output))},
    )

    now = Film(jobs=(new,), digests={}, lock=lock, price=lambda _: price("1"))
    found = compare(film(costs=price("1")), now)

    assert [step.verdict.value for step in found.added] == ["current"]
    assert (str(found.now.expected), found.to_buy.expected) == ("1.00 USD", None)
