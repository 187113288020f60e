from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import ConfigError
from seedrender.lock.fingerprint import is_signed
from seedrender.plan import breach, graph, make, saved
from seedrender.plan.cost import estimate
from seedrender.plan.make import Facts
from seedrender.plan.saved import Chosen, Item, Promise, Rates
from seedrender.values.entry import Lock
from seedrender.values.money import UNKNOWN_PRICE, Amount, Price
from tests.builders import job

ONE = Amount(Decimal(1), "USD")
TWO = Amount(Decimal(2), "USD")


def promise(*names: str, price: Price = UNKNOWN_PRICE, **given: Any) -> Promise:
    facts = Facts(lock=Lock(manifest="film.yaml"), digests={}, is_present=lambda _: False)
    plan = make.plan(graph.build([job(name) for name in names]), (), facts)
    rates = Rates(price=lambda _: price, digests={})
    cost = estimate(plan, rates.price)
    return saved.promise(plan, "film.yaml", "sim", Chosen(vars=given), rates, cost)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=VALUES)
def test_what_is_saved_is_read_as_it_was(value: Any) -> None:
    made = replace(promise("spin"), chosen=Chosen(vars={"thing": value}, selectors=("spin",)))

    text = saved.dumps(made)

    assert saved.loads(text, "film.plan") == made
    assert saved.dumps(saved.loads(text, "film.plan")) == text


def test_the_order_of_flags_makes_no_other_file() -> None:
    assert saved.dumps(promise("spin", a=1, b=2)) == saved.dumps(promise("spin", b=2, a=1))


@pytest.mark.parametrize(
    "value",
    [
        "look at https://h.example/a.png?token=1",
        ["https://me:word@h.example/a.png"],
        {"deep": {"er": ["https://h.example/a.png?x=1&X-Tos-Signature=ab"]}},
    ],
)
def test_a_signed_address_is_found_wherever_it_stands(value: Any) -> None:
    with pytest.raises(ConfigError, match="the var 'place' is given a signed address"):
        promise("spin", place=value)


@pytest.mark.parametrize(
    "text", ["https://h.example/a.png?v=2", "mira@example.org", "why?", "http://[", "a = b & c"]
)
def test_what_looks_a_little_like_one_is_none(text: str) -> None:
    assert not is_signed(text)


def test_a_job_that_stands_there_twice_is_refused() -> None:
    made = promise("spin")

    with pytest.raises(ConfigError, match="one job stands there twice"):
        saved.loads(saved.dumps(replace(made, items=made.items * 2)), "film.plan")


def test_a_price_that_was_unknown_and_a_range_are_told() -> None:
    dear = Price(low=ONE, expected=TWO, high=TWO)

    assert breach.moved(promise("spin"), promise("spin", price=dear)) == [
        "film.yaml:3:3: job spin: price was unknown, is 1.00 USD to 2.00 USD"
    ]


def test_equal_promises_hold() -> None:
    breach.keep(promise("spin"), promise("spin"), "film.plan")


def altered(item: Item, **fields: Any) -> Promise:
    return replace(promise(), items=(replace(item, **fields),))


def test_a_clip_that_is_made_from_another_one_is_told() -> None:
    (item,) = promise("spin").items

    found = breach.moved(
        altered(item, fingerprint="sha256:aa"), altered(item, fingerprint="sha256:bb")
    )

    assert found == ["film.yaml:3:3: job spin: what it is made from changed"]


def test_what_is_done_may_come_and_go() -> None:
    (item,) = promise("spin").items
    done = altered(item, plan="current", will_submit=False)

    assert breach.moved(done, promise()) == breach.moved(promise(), done) == []
    assert breach.moved(done, altered(item)) != []


def test_long_values_and_long_lists_are_cut() -> None:
    (item,) = promise("spin").items
    many = promise(*(f"s{n}" for n in range(30)))

    (line,) = breach.moved(altered(item, parts={"prompt": "a" * 999}), altered(item))
    with pytest.raises(ConfigError) as caught:
        breach.keep(promise(), many, "film.plan")

    assert len(line) < 600
    assert "… and 10 more" in str(caught.value)
