from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from seedrender.catalog.models import catalog
from seedrender.errors import Origin, Violation
from seedrender.lock.fingerprint import fingerprint
from seedrender.plan import graph, make, routes
from seedrender.plan.against import Sum
from seedrender.plan.decide import Facts
from seedrender.plan.decision import Verdict
from seedrender.plan.routes import Carried, OnRoute
from seedrender.values.entry import JobState, Lock
from seedrender.values.job import Job, JobId, MediaKind, Mode, Place, Reference, ReferenceUse, Tier
from seedrender.values.money import UNKNOWN_PRICE, Amount, Price
from tests.builders import clip, entry, job, record

SPIN = job("spin", ratio="16:9", resolution="480p", duration_s=4)
ASSET = Reference(name="mira", kind=MediaKind.IMAGE, asset="a-1")


def costs(value: str, currency: str = "USD") -> Price:
    amount = Amount(Decimal(value), currency)
    return Price(low=amount, expected=amount, high=amount, source="a page")


def carried(
    *jobs: Job,
    here: str = "modellix",
    there: str = "byteplus",
    own: tuple[Job, ...] | None = None,
    unfit: tuple[Violation, ...] = (),
    before: dict[str, Price] | None = None,
    now: dict[str, Price] | None = None,
) -> Carried:
    def film(route: str, jobs: tuple[Job, ...], prices: dict[str, Price] | None) -> OnRoute:
        def price(job: Job) -> Price:
            return (prices or {}).get(job.id, UNKNOWN_PRICE)

        return OnRoute(route=route, jobs=jobs, offered=catalog(route), price=price)

    return routes.carry(
        film(here, jobs if own is None else own, before),
        replace(film(there, jobs, now), unfit=unfit),
    )


def unfit(*jobs: str) -> Violation:
    origin = Origin("film.yaml", 9, 1)
    return Violation(origin=origin, message="no", code="limits", jobs=jobs)


def test_what_both_routes_render_alike_is_carried_over() -> None:
    found = carried(SPIN, before={"spin": costs("1")}, now={"spin": costs("3")})

    assert (found.unfit, found.shifts, found.cuts, found.left_out) == ((), (), (), ())
    assert (found.compared, found.priced) == (1, 1)
    assert found.difference == Sum(
        low=Amount(Decimal(2), "USD"),
        expected=Amount(Decimal(2), "USD"),
        high=Amount(Decimal(2), "USD"),
    )


def test_what_the_route_does_not_render_is_in_no_sum() -> None:
    other = job("other", ratio="16:9", resolution="480p", duration_s=4)
    prices = {"spin": costs("1"), "other": costs("10")}

    found = carried(SPIN, other, unfit=(unfit("other"),), before=prices, now=prices)

    assert found.left_out == ("other",)
    assert (found.before, found.now) == (found.now, found.before)
    assert found.now.expected == Amount(Decimal(1), "USD")


def test_what_is_wrong_with_jobs_that_are_not_selected_is_not_said() -> None:
    assert carried(SPIN, unfit=(unfit("elsewhere"),)).unfit == ()


def test_a_chain_that_the_route_cannot_split_is_in_no_sum() -> None:
    segment = job("fly/01", segment=1, duration_s=4)
    prices = {"spin": costs("1"), "fly/01": costs("10")}

    found = carried(SPIN, own=(SPIN, segment), unfit=(unfit(),), before=prices, now=prices)

    assert len(found.unfit) == 1
    assert found.before.expected == Amount(Decimal(1), "USD")


@pytest.mark.parametrize(("there", "is_taken"), [("modellix", False), ("byteplus", True)])
def test_assets_go_only_where_there_are_any(*, there: str, is_taken: bool) -> None:
    wanted = replace(SPIN, mode=Mode.I2V, references=(ReferenceUse(reference=ASSET),))

    found = carried(wanted, here="volcengine", there=there)

    assert (found.unfit == ()) is is_taken
    assert (found.left_out == ()) is is_taken


def test_what_an_author_leaves_open_and_two_routes_fill_in_otherwise_is_named() -> None:
    bare = job("spin")

    (shift,) = carried(bare).shifts

    assert (shift.setting, shift.before, shift.now) == ("ratio", "16:9", "adaptive")
    assert str(shift) == "ratio is not set: 16:9 before, adaptive now"
    assert (shift.jobs, shift.origin) == (("spin",), bare.origin)


def test_a_model_that_one_of_the_routes_does_not_have_shifts_nothing() -> None:
    assert carried(job("spin", model="seedance-9")).shifts == ()


def test_a_long_take_that_is_cut_otherwise_is_compared_as_a_whole() -> None:
    own = tuple(job(f"fly/0{n}", segment=n, duration_s=10, ratio="16:9") for n in (1, 2))
    whole = job("fly/01", segment=1, duration_s=20, ratio="16:9")
    before = {"fly/01": costs("1"), "fly/02": costs("1")}

    found = carried(whole, own=own, before=before, now={"fly/01": costs("5")})

    assert found.cuts == ("fly is 10 + 10 s on modellix, and 20 s on byteplus",)
    assert found.difference is not None
    assert found.difference.expected == Amount(Decimal(3), "USD")


def test_jobs_without_a_price_on_one_of_the_routes_make_no_difference() -> None:
    other = job("other", ratio="16:9", resolution="480p", duration_s=4)

    found = carried(
        SPIN,
        other,
        before={"spin": costs("1"), "other": costs("7")},
        now={"spin": costs("2")},
    )

    assert (found.before.expected, found.now.unknown) == (Amount(Decimal(8), "USD"), 1)
    assert found.priced == 1
    assert found.difference is not None
    assert found.difference.expected == Amount(Decimal(1), "USD")


def test_two_currencies_are_not_subtracted() -> None:
    found = carried(
        SPIN,
        there="volcengine",
        before={"spin": costs("1")},
        now={"spin": costs("7", "CNY")},
    )

    assert found.difference is None


def test_the_plan_leaves_out_what_the_route_does_not_render_and_what_continues_it() -> None:
    first, second = job("fly/01"), job("fly/02", needs=(JobId("fly/01"),))
    made = record(
        "c1", JobState.SUCCEEDED, fingerprint=fingerprint(SPIN, {}, {}), provider="modellix"
    )
    lock = Lock(manifest="film.yaml", entries={SPIN.id: entry("spin", made, output=clip("c1"))})
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True)
    whole = make.plan(graph.build([SPIN, first, second]), (), facts)

    found = routes.without(whole, ["spin", "fly/01"])

    assert [(s.verdict, s.will_submit) for s in found.steps] == [
        (Verdict.CURRENT, False),
        (Verdict.BLOCKED, False),
        (Verdict.WAITS, False),
    ]
    assert found.steps[2].reason == "continues fly/01, which the route does not render"
    assert routes.without(whole, []) == whole


def test_an_asset_of_one_route_is_told_with_its_place_and_a_way_out() -> None:
    places = {"references": Place(Origin("film.yaml", 7, 9), ("shots", "spin", "references"))}
    spin = replace(SPIN, references=(ReferenceUse(reference=ASSET),), places=places)

    found = carried(spin, here="byteplus", there="modellix")

    assert found.unfit == (
        Violation(
            origin=Origin("film.yaml", 7, 9),
            message="reference 'mira' is an asset",
            hint="modellix takes none: give a file or a URL",
            code="limits",
            path=("shots", "spin", "references"),
            jobs=("spin",),
        ),
    )
    assert (found.here, found.there) == ("byteplus", "modellix")


def test_a_job_that_the_route_does_not_render_is_blocked_and_says_so() -> None:
    facts = Facts(lock=Lock(manifest="m"), digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build([job("spin"), job("other")]), (), facts)

    spin, other = routes.without(plan, ["spin"]).steps

    assert (spin.verdict, spin.reason, spin.will_submit) == (
        Verdict.BLOCKED,
        "the route does not render it",
        False,
    )
    assert other == plan.steps[1]


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        (
            "modellix",
            "byteplus",
            ("5 s before, left to the model now", "16:9 before, adaptive now"),
        ),
        (
            "byteplus",
            "modellix",
            ("left to the model before, 5 s now", "adaptive before, 16:9 now"),
        ),
    ],
)
def test_settings_that_nobody_made_are_filled_in_by_each_route_in_its_own_way(
    here: str, there: str, words: tuple[str, str]
) -> None:
    newest = {"model": "seedance-2.5", "tier": Tier.STANDARD}
    jobs = job("b", **newest), job("a", ratio="16:9", **newest)

    found = carried(*jobs, here=here, there=there)

    assert [(str(shift), shift.jobs) for shift in found.shifts] == [
        (f"duration is not set: {words[0]}", ("b", "a")),
        (f"ratio is not set: {words[1]}", ("b",)),
    ]


def test_a_chain_that_is_cut_otherwise_is_told_with_the_lengths_of_its_segments() -> None:
    first = job("fly/01", shot="fly", segment=1, duration_s=15)
    rest = job("fly/02", shot="fly", segment=2)

    found = carried(first, rest, own=(first,))

    assert found.cuts == ("fly is 15 s on modellix, and 15 + ? s on byteplus",)


def test_a_job_that_only_one_route_has_is_not_compared_in_price() -> None:
    other = replace(SPIN, id=JobId("other"))
    prices = {"spin": costs("1"), "other": costs("2")}

    found = carried(SPIN, own=(SPIN, other), before=prices, now=prices)

    assert (found.compared, found.priced) == (1, 1)


def test_a_second_take_that_only_one_route_has_is_no_part_of_the_difference() -> None:
    again = replace(SPIN, id=JobId("spin@2"), take=2)
    prices = {"spin": costs("1"), "spin@2": costs("10")}

    found = carried(SPIN, own=(SPIN, again), before=prices, now={"spin": costs("3")})

    assert found.difference is not None
    assert found.difference.expected == Amount(Decimal(2), "USD")


def test_a_model_that_only_one_route_has_shifts_nothing() -> None:
    assert carried(job("a", model="kling-3.0", tier=Tier.STANDARD)).shifts == ()


def test_what_is_there_already_holds_up_nobody() -> None:
    first, second = job("fly/01"), job("fly/02", needs=("fly/01",))
    made = record("c1", JobState.SUCCEEDED, fingerprint=fingerprint(first, {}, {}))
    known = entry("fly/01", made, output=clip("c1", first.output))
    lock = Lock(manifest="m", entries={known.job: known})
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build([first, second]), (), facts)

    assert [step.will_submit for step in plan.steps] == [False, True]
    assert routes.without(plan, ["fly/01"]) == plan
