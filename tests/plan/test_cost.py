from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from seedrender.catalog.models import Media, catalog
from seedrender.plan import graph, make
from seedrender.plan.cost import Estimate, Pricing, _any_clip, estimate, quote, total
from seedrender.plan.decide import Facts
from seedrender.plan.paid import NO_RETAKES, Retakes
from seedrender.values.entry import Lock
from seedrender.values.job import Job, JobId, MediaKind, Mode, Reference, ReferenceUse, Tier
from seedrender.values.money import UNKNOWN_PRICE, Amount, Price, Quote, Rate, Span, Unit, exactly
from seedrender.values.task import Task, TaskId, TaskState
from tests.builders import clip, entry, job

TODAY = date(2026, 10, 16)  # sixty days after the price


def usd(value: str) -> Amount:
    return Amount(Decimal(value), "USD")


def cny() -> Amount:
    return Amount(Decimal(1), "CNY")


def price(low: str, expected: str, high: str) -> Price:
    return Price(low=usd(low), expected=usd(expected), high=usd(high), as_of=date(2026, 8, 17))


def estimated(*jobs: Job, **prices: Price) -> Estimate:
    return estimated_with(prices, *jobs)


def estimated_with(
    prices: Mapping[str, Price],
    *jobs: Job,
    today: date | None = TODAY,
    retakes: Retakes = NO_RETAKES,
) -> Estimate:
    facts = Facts(lock=Lock(manifest="m"), digests={}, is_present=lambda _: True)
    made = make.plan(graph.build(jobs), (), facts)
    return estimate(made, lambda j: prices.get(j.id, UNKNOWN_PRICE), today=today, retakes=retakes)


def test_prices_are_added_and_the_oldest_is_named() -> None:
    found = estimated(job("a"), job("b"), a=price("1", "2", "3"), b=price("10", "20", "30"))

    assert (found.low, found.expected, found.high) == (usd("11"), usd("22"), usd("33"))
    assert (found.known, found.unknown, found.oldest) == (2, 0, date(2026, 8, 17))


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        pytest.param({"a": price("1", "1", "1")}, "1.00 USD", id="one price"),
        pytest.param({"a": price("1", "2", "3")}, "2.00 USD (1.00 USD to 3.00 USD)", id="a range"),
        pytest.param({}, "1 of unknown price", id="unknown"),
    ],
)
def test_an_estimate_in_words(prices: dict[str, Price], words: str) -> None:
    assert str(estimated(job("a"), **prices)) == words


def test_known_and_unknown_prices_stand_side_by_side() -> None:
    found = estimated(job("a"), job("b"), a=price("1", "1", "1"))

    assert str(found) == "1.00 USD + 1 of unknown price"


def test_nothing_to_buy() -> None:
    assert str(estimated()) == "nothing to buy"


def test_the_jobs_of_unknown_price_are_named() -> None:
    assert estimated(job("a"), job("b"), a=price("1", "1", "1")).unpriced == ("b",)


@pytest.mark.parametrize(
    ("today", "age", "is_old"),
    [
        pytest.param(date(2026, 10, 16), 60, False, id="sixty days"),
        pytest.param(date(2026, 10, 17), 61, True, id="more"),
        pytest.param(date(2026, 8, 1), -16, False, id="before its day"),
        pytest.param(None, None, False, id="nobody says what day it is"),
    ],
)
def test_a_price_that_is_older_than_sixty_days_is_flagged(
    today: date | None, age: int | None, *, is_old: bool
) -> None:
    prices = {"a": price("1", "1", "1")}

    found = estimated_with(prices, job("a"), today=today).bases[0]

    assert (found.age_days, found.is_old, "look it up again" in str(found)) == (age, is_old, is_old)


def test_each_price_list_is_named_once_with_its_date_and_the_number_of_its_jobs() -> None:
    own = replace(price("1", "1", "1"), source="a contract", as_of=None)
    found = estimated(
        job("a"), job("b"), job("c"), a=price("1", "1", "1"), b=own, c=price("2", "2", "2")
    )

    assert [str(basis) for basis in found.bases] == [
        "2 by the route of 2026-08-17",
        "1 by a contract",
    ]


def test_why_an_estimate_is_a_range_is_counted() -> None:
    open_ended = replace(price("1", "2", "3"), why=("the model chooses the length",))

    found = estimated(job("a"), job("b"), a=open_ended, b=open_ended)

    assert found.why == {"the model chooses the length": 2}


def test_takes_that_will_be_lost_are_in_the_expected_and_the_high_sum() -> None:
    prices = {"a": price("1.00", "2.00", "3.00")}

    found = estimated_with(prices, job("a"), retakes=Retakes(paid=15, kept=10))

    assert (found.low, found.expected, found.high) == (usd("1.00"), usd("3.000"), usd("4.500"))


def clip_reference(name: str, path: str | None = None) -> ReferenceUse:
    url = None if path is not None else "https://h.example/dance.mp4"
    return ReferenceUse(reference=Reference(name=name, kind=MediaKind.VIDEO, path=path, url=url))


PICTURE = ReferenceUse(reference=Reference(name="hero", kind=MediaKind.IMAGE, path="hero.png"))


def pricing(*jobs: Job, route: str = "sim", **fields: object) -> Pricing:
    def published(found: Job, video: Span) -> Price:
        del found
        return Price(footage=video)

    made = Pricing(route=route, published=published, jobs={one.id: one for one in jobs})
    return replace(made, **fields)  # type: ignore[arg-type]


FAMILY = Span(low=Decimal(2), expected=Decimal("8.5"), high=Decimal(15))
CHOSEN = Span(low=Decimal(4), expected=Decimal(17), high=Decimal(30))


@pytest.mark.parametrize(
    ("wanted", "fields", "video"),
    [
        pytest.param(job(), {}, exactly(0), id="no video"),
        pytest.param(job(needs=("long",)), {}, exactly(12), id="the clip that it continues"),
        pytest.param(job(needs=("long", "five")), {}, exactly(17), id="two of them"),
        pytest.param(job(needs=("gone",)), {}, FAMILY, id="a clip of which nothing is known"),
        pytest.param(job(needs=("free",), model="seedance-2.5"), {}, CHOSEN, id="the model chooses"),
        pytest.param(
            job(needs=("free",), model="seedance-2.5"),
            {"lock": Lock(manifest="m", entries={JobId("free"): entry("free", output=clip())})},
            exactly(5.0),
            id="a clip that is there",
        ),
        pytest.param(
            job(references=(clip_reference("dance", "dance.mp4"),)),
            {"lengths": {"dance": 7.25}},
            exactly(7.25),
            id="a local reference",
        ),
        pytest.param(job(references=(clip_reference("dance"),)), {}, FAMILY, id="a URL"),
        pytest.param(job(references=(PICTURE,)), {}, exactly(0), id="a picture"),
        pytest.param(
            job(references=(clip_reference("dance"), clip_reference("run"))),
            {},
            Span(low=Decimal(4), expected=Decimal(15), high=Decimal(15)),
            id="two URLs: no more than the model takes",
        ),
    ],
)  # fmt: skip
def test_the_seconds_of_input_video_are_known_as_far_as_they_are(
    wanted: Job, fields: Mapping[str, object], video: Span
) -> None:
    others = (
        job("long", duration_s=12),
        job("five"),
        job("free", model="seedance-2.5", tier=Tier.STANDARD, duration_s=-1),
    )
    route = "byteplus" if wanted.model == "seedance-2.5" else "sim"

    assert pricing(*others, route=route, **fields).video(wanted) == video


def test_on_a_route_that_the_catalog_does_not_know_a_length_is_what_was_asked_for() -> None:
    found = pricing(job("asked", duration_s=9), job("unsaid"), route="of a plugin")

    assert found.video(job(needs=("asked",))) == exactly(9)
    assert found.video(job(needs=("unsaid",))) == FAMILY
    assert found(job(duration_s=9)).footage == exactly(0)


def test_the_first_row_of_the_films_own_table_that_fits_goes_before_the_route() -> None:
    row = Rate(value=Decimal(2), unit=Unit.CLIP, currency="USD", source="x", as_of=None)
    found = pricing(rates=(replace(row, mode=Mode.V2V), row, replace(row, value=Decimal(9))))
    without = pricing(rates=(replace(row, mode=Mode.V2V),))

    assert found(job()).expected == usd("2")
    assert not without(job()).is_known


def test_a_row_is_for_the_route_and_the_resolution_that_is_rendered() -> None:
    row = Rate(value=Decimal(2), unit=Unit.CLIP, currency="USD", source="x", as_of=None)
    here = pricing(rates=(replace(row, provider="sim", resolution="720p"),))
    elsewhere = pricing(rates=(replace(row, provider="byteplus"), replace(row, resolution="1080p")))

    assert here(job(resolution="720p")).expected == usd("2")
    assert not here(job(resolution="480p")).is_known
    assert not elsewhere(job(resolution="720p")).is_known


def test_seconds_of_input_are_paid_by_a_row_that_says_so() -> None:
    row = Rate(
        value=Decimal(1), unit=Unit.SECOND, currency="USD", source="x", as_of=None, bills_input=True
    )
    use = clip_reference("dance", "dance.mp4")
    found = pricing(rates=(row,), lengths={"dance": 7.0})

    assert found(job(duration_s=5, references=(use,))).expected == usd("12.0")


def test_the_route_is_asked_about_the_very_job() -> None:
    asked: list[Job] = []

    def published(found: Job, video: Span) -> Price:
        asked.append(found)
        return Price(footage=video)

    Pricing(route="sim", published=published)(job("a"))

    assert asked == [job("a")]


def test_a_route_of_which_the_catalog_knows_nothing_takes_any_length_that_was_asked_for() -> None:
    found = pricing(
        job("one", duration_s=1),
        job("chosen", duration_s=-1),
        job("zero", duration_s=0),
        route="of a plugin",
    )

    assert found.video(job(needs=("one",))) == exactly(1)
    assert found.video(job(needs=("chosen",))) == FAMILY
    assert found.video(job(needs=("zero",))) == FAMILY


def test_a_clip_of_which_nothing_is_known_is_within_what_the_model_takes() -> None:
    variant = catalog("sim").variant("seedance-2.0", Tier.FAST, Mode.V2V)
    assert variant is not None
    media = {MediaKind.VIDEO: Media(max_count=1, seconds=(3.0, 10.0))}
    narrow = replace(variant, family=replace(variant.family, media=media))

    assert _any_clip(narrow) == Span(low=Decimal(3), expected=Decimal("6.5"), high=Decimal(10))
    assert _any_clip(variant) == FAMILY


def test_sums_of_money_are_decimal_even_where_there_is_but_one() -> None:
    assert total([None, usd("0.10"), usd("0.20")]) == usd("0.30")
    assert total([None]) is None


def test_what_an_estimate_reckons_with_is_kept() -> None:
    history = Retakes(paid=15, kept=10)

    assert estimated_with({"a": price("1", "1", "1")}, job("a"), retakes=history).retakes == history


def test_a_quote_keeps_the_high_end_and_the_seconds_that_are_asked_for() -> None:
    known = replace(price("1", "2", "3"), source="x", footage=exactly(5))

    assert quote(job(), known) == Quote(
        expected=usd("2"),
        high=usd("3"),
        seconds=Decimal(5),
        source="x",
        as_of=date(2026, 8, 17),
    )
    assert quote(job(duration_s=9), UNKNOWN_PRICE) == Quote(seconds=Decimal(9))
    assert quote(job(), UNKNOWN_PRICE) == Quote()


def published(_one: Job, _video: Span) -> Price:
    return UNKNOWN_PRICE


def rate(unit: Unit, value: str = "2") -> Rate:
    return Rate(value=Decimal(value), unit=unit, currency="USD", source="mine", as_of=TODAY)


TOKENS = rate(Unit.MILLION_TOKENS, "20")


def test_a_rate_of_seconds_or_tokens_says_nothing_of_a_picture() -> None:
    still = job("portrait", model="seedream-4.5", tier=Tier.STANDARD, mode=Mode.T2I)
    prices = [
        Pricing(route="sim", published=published, rates=(rate(unit),))(still)
        for unit in (Unit.SECOND, Unit.MILLION_TOKENS, Unit.CLIP)
    ]

    assert [found.expected for found in prices] == [None, None, usd("2")]


def test_a_clip_that_another_shot_makes_counts_with_its_seconds() -> None:
    made = Reference(name="step", kind=MediaKind.VIDEO, shot=JobId("walk"))
    user = job("again", mode=Mode.V2V, references=(ReferenceUse(reference=made),))

    assert pricing(job("walk", duration_s=7), route="sim").video(user) == exactly(7)


def test_clips_that_other_shots_make_are_counted_with_all_others() -> None:
    uses = [
        ReferenceUse(reference=Reference(name=name, kind=MediaKind.VIDEO, shot=JobId(name)))
        for name in ("four", "three")
    ]
    found = pricing(
        job("four", duration_s=4), job("three", duration_s=3), route="of a plugin",
        lengths={"dance": 5.0},
    )  # fmt: skip
    wanted = job(references=(*uses, clip_reference("dance", "dance.mp4")))

    assert found.video(wanted) == exactly(12)


def task(**fields: Any) -> Task:
    defaults = {"cost": usd("0.28"), "cost_source": "prices", "tokens": 50_000}
    return Task(
        id=TaskId("t"), state=TaskState.SUCCEEDED, provider_state="ok", **{**defaults, **fields}
    )


@pytest.mark.parametrize(
    ("rates", "told", "expected"),
    [
        pytest.param((), task(), usd("0.28"), id="no table of the film's own"),
        pytest.param((TOKENS,), task(), usd("1"), id="its own rate for what is counted"),
        pytest.param((TOKENS,), task(cost=None), usd("1"), id="a rate where no other is known"),
        pytest.param((TOKENS,), task(cost=usd("0")), usd("0"), id="what is free stays free"),
        pytest.param((TOKENS,), task(cost=None, tokens=None), None, id="nothing was counted"),
        *(
            pytest.param((rate(unit, "0"),), task(cost=None), None, id=f"of a pack, by the {unit}")
            for unit in Unit
        ),
        pytest.param((rate(Unit.CLIP, "0"),), task(tokens=None), usd("0"), id="nothing was used"),
        pytest.param((rate(Unit.CLIP),), task(), usd("2"), id="a rate for a clip"),
        pytest.param((TOKENS,), task(cost_source="provider"), usd("0.28"), id="a bill"),
    ],
)
def test_what_a_task_did_cost_is_told_by_the_films_own_table(
    rates: tuple[Rate, ...], told: Task, expected: Amount | None
) -> None:
    pricing = Pricing(route="byteplus", published=published, rates=rates)

    assert pricing.settled(job("a", duration_s=4), told) == expected


@pytest.mark.parametrize(
    ("one", "other", "is_more"),
    [
        (price("1", "1", "2"), price("1", "1", "1.9"), True),
        (price("1", "1", "2"), price("1", "1", "2"), False),
        (price("1", "1", "2"), UNKNOWN_PRICE, False),
        (UNKNOWN_PRICE, price("1", "1", "2"), False),
        (price("1", "1", "2"), Price(low=cny(), expected=cny(), high=cny()), False),
    ],
)
def test_an_estimate_exceeds_another_one_where_both_are_known_in_one_currency(
    one: Price, other: Price, *, is_more: bool
) -> None:
    assert estimated(job("a"), a=one).exceeds(estimated(job("a"), a=other)) is is_more


@pytest.mark.parametrize(
    "odd",
    [
        price("-1", "-1", "-1"),
        price("2", "1", "3"),
        price("1", "3", "2"),
        price("1", "1", "NaN"),
        Price(expected=usd("1")),
    ],
)
def test_what_cannot_be_a_price_is_none(odd: Price) -> None:
    assert Pricing(route="plugin", published=lambda _job, _video: odd)(job("a")) == UNKNOWN_PRICE


def test_what_is_published_is_told_whatever_the_film_says() -> None:
    rate = Rate(
        model="seedance-2.0",
        value=Decimal(0),
        unit=Unit.SECOND,
        currency="USD",
        source="mine",
        as_of=TODAY,
    )
    published = price("1", "2", "3")
    pricing = Pricing(route="modellix", published=lambda _job, _video: published, rates=(rate,))

    assert pricing.listed(job("a")) == published
