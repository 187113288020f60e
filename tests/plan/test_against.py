from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.identity import Asked
from seedrender.plan import against, graph, make
from seedrender.plan.against import Comparison, Film, Removed, Sum
from seedrender.plan.decide import Facts
from seedrender.plan.explain import Difference
from seedrender.values.entry import JobState, Lock, LockEntry
from seedrender.values.job import Job, JobId, MediaKind, Reference, ReferenceUse
from seedrender.values.money import UNKNOWN_PRICE, Amount, Cost, Price
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


def usd(value: str) -> Amount:
    return Amount(Decimal(value), "USD")


def span(low: str, expected: str, high: str) -> Price:
    return Price(low=usd(low), expected=usd(expected), high=usd(high))


def lock(*entries: LockEntry) -> Lock:
    return Lock(manifest="m", entries={one.job: one for one in entries})


def test_what_an_edition_costs_is_added_up_bound_by_bound_with_the_difference() -> None:
    before = film(job("a"), job("b", prompt="B."), costs=span("1", "2", "4"))
    now = film(job("a"), job("b", prompt="B."), job("c", prompt="C."), costs=span("2", "3", "6"))

    found = compare(before, now)

    assert found.before == Sum(low=usd("2"), expected=usd("4"), high=usd("8"))
    assert found.now == Sum(low=usd("6"), expected=usd("9"), high=usd("18"))
    assert found.to_buy == Sum(low=usd("2"), expected=usd("3"), high=usd("6"))
    assert found.difference == Sum(low=usd("4"), expected=usd("5"), high=usd("10"))
    assert found.unchanged == 2


def test_each_job_is_bought_at_its_own_price() -> None:
    prices = {"a": price("1"), "b": price("2"), "c": price("4")}
    before = replace(film(job("a")), price=lambda found: prices[found.id])
    now = replace(
        film(job("a"), job("b", prompt="B."), job("c", prompt="C.")),
        price=lambda found: prices[found.id],
    )

    found = compare(before, now)

    assert (found.before.expected, found.now.expected) == (usd("1"), usd("7"))
    assert found.to_buy.expected == usd("6")


def test_a_film_that_got_cheaper_costs_less_and_one_without_jobs_nothing() -> None:
    found = compare(film(job(), costs=price("2")), film())

    assert found.now == Sum()
    assert found.difference == Sum(low=usd("-2"), expected=usd("-2"), high=usd("-2"))


def test_prices_that_became_known_are_counted_in_the_difference() -> None:
    found = compare(film(job("a"), job("b", prompt="B.")), film(job("a"), costs=price("1")))

    assert (found.before.unknown, found.now.unknown) == (2, 0)
    assert found.difference is not None
    assert found.difference.unknown == -2


def test_a_changed_job_says_which_parts_differ_and_is_bought() -> None:
    found = compare(
        film(job("a"), job("b")), film(job("a", prompt="New."), job("b"), costs=price("1"))
    )

    (one,) = found.changed
    assert one.step.job == job("a", prompt="New.")
    assert one.parts == (Difference("prompt", "A kite over the sea.", "New."),)
    assert one.follows is None
    assert (found.added, found.removed, found.renamed) == ((), (), ())
    assert (found.unchanged, found.to_buy.expected) == (1, usd("1"))


def test_a_change_is_handed_down_the_chain_link_by_link() -> None:
    links = [job("1"), job("2", prompt="Two.", needs=("1",)), job("3", prompt="3.", needs=("2",))]

    found = compare(film(*links), film(replace(links[0], prompt="New."), *links[1:]))

    assert [(c.step.job.id, len(c.parts), c.follows) for c in found.changed] == [
        ("1", 1, None),
        ("2", 0, "1"),
        ("3", 0, "2"),
    ]


def test_a_segment_that_changed_itself_follows_nobody() -> None:
    second = job("2", prompt="Two.", needs=("1",))
    before = film(job("1"), second)

    found = compare(before, film(job("1", prompt="New."), replace(second, prompt="New too.")))

    assert [(c.step.job.id, c.follows) for c in found.changed] == [("1", None), ("2", None)]


def test_of_two_parents_the_one_that_changed_is_told() -> None:
    end = job("end", prompt="End.", needs=("a", "b"))
    before = film(job("a"), job("b", prompt="B."), end)

    found = compare(before, film(job("a"), job("b", prompt="New."), end))

    assert [c.follows for c in found.changed] == [None, "b"]


def test_a_reference_with_other_bytes_changes_what_uses_it() -> None:
    hero = Reference(name="hero", kind=MediaKind.IMAGE, path="hero.png")
    one = job("a", references=(ReferenceUse(reference=hero),))
    before, now = (replace(film(one), digests={"hero": digit * 64}) for digit in "12")
    facts = Facts(lock=LOCK, digests=now.digests, is_present=lambda _: True)

    found = against.compare(before, now, make.plan(graph.build([one]), (), facts))

    (changed,) = found.changed
    assert changed.parts == (
        Difference("references", ["sha256:" + "1" * 64], ["sha256:" + "2" * 64]),
    )


def test_a_rename_of_the_manifest_goes_before_what_shows_the_same() -> None:
    found = compare(
        film(job("a"), job("b", prompt="B.")), film(job("c"), job("d", prompt="B."), a="d")
    )

    assert found.renamed == (("a", "d"),)
    assert [step.job.id for step in found.added] == ["c"]
    assert [one.job for one in found.removed] == ["b"]
    assert [one.step.job.id for one in found.changed] == ["d"]


def test_a_job_that_stays_is_no_source_of_a_rename() -> None:
    found = compare(film(job("a")), film(job("a"), job("b")))

    assert found.renamed == ()
    assert [step.job.id for step in found.added] == ["b"]


def test_what_was_paid_for_a_removed_job_is_told_from_both_locks_once() -> None:
    def paid(name: str, amount: str, currency: str = "USD", source: str = "provider") -> LockEntry:
        cost = Cost(amount=Amount(Decimal(amount), currency), source=source)
        return entry("a", record(name, cost=cost))

    then = lock(paid("c1", "1.5"))
    both = [paid("c1", "1.5"), paid("c2", "2"), paid("c3", "7", "CNY")]
    play = paid("c4", "99", "USD", "simulated")
    tasks = (*(task for one in (*both, play) for task in one.tasks), record("c5"))
    before = Film(jobs=(job("a"),), digests={}, lock=then, price=lambda _: UNKNOWN_PRICE)
    now = Film(jobs=(), digests={}, lock=lock(entry("a", *tasks)), price=lambda _: UNKNOWN_PRICE)

    found = compare(before, now)

    assert found.removed == (
        Removed(job=JobId("a"), tasks=5, paid=(usd("3.5"), Amount(Decimal(7), "CNY"))),
    )


def test_a_removed_job_that_nobody_rendered_cost_nothing() -> None:
    found = compare(film(job("a"), job("b")), film(job("b")))

    assert found.removed == (Removed(job=JobId("a"), tasks=0, paid=()),)


def test_notes_about_the_older_edition_are_handed_on() -> None:
    before = replace(film(), notes=("rows.csv was not there",))

    assert compare(before, film()).notes == ("rows.csv was not there",)


def test_a_simulated_clip_is_to_be_bought_when_the_route_becomes_a_paid_one() -> None:
    first, second = job("fly/01"), job("fly/02", needs=("fly/01",))
    made = record("c1", JobState.SUCCEEDED, fingerprint=fingerprint(first, {}, {}))
    lock = Lock(manifest="film.yaml", entries={first.id: entry(first.id, made, output=clip("c1"))})
    before = replace(film(first, second), lock=lock, route="sim")
    now = replace(film(first, second, costs=price("1")), lock=lock, route="modellix")
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True, asked=Asked(route=now.route))

    found = against.compare(before, now, make.plan(graph.build(now.jobs), (), facts))

    assert [one.step.job.id for one in found.changed] == ["fly/01", "fly/02"]
    assert found.changed[0].parts == (Difference("provider", "sim", "modellix"),)
    assert found.changed[1].follows == "fly/01"
    assert str(found.to_buy.expected) == "2.00 USD"


def test_a_clip_of_a_paid_route_is_no_change_when_another_one_is_taken() -> None:
    one = job("a")
    made = record(
        "c1", JobState.SUCCEEDED, fingerprint=fingerprint(one, {}, {}), provider="modellix"
    )
    lock = Lock(manifest="film.yaml", entries={one.id: entry("a", made, output=clip("c1"))})
    before = replace(film(one), lock=lock, route="modellix")
    now = replace(film(one), lock=lock, route="byteplus")
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True, asked=Asked(route=now.route))

    found = against.compare(before, now, make.plan(graph.build(now.jobs), (), facts))

    assert (found.changed, found.unchanged) == ((), 1)


def test_what_has_no_price_is_counted_in_a_difference() -> None:
    found = against.difference(Sum(unknown=2), Sum(unknown=5))

    assert found == Sum(unknown=3)
