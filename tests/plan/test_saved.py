from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import ConfigError
from seedrender.plan import breach, graph, make, saved
from seedrender.plan.cost import estimate
from seedrender.plan.decide import Facts
from seedrender.plan.explain import definition
from seedrender.plan.saved import Chosen, Item, Promise, Rates
from seedrender.values.entry import Fingerprint, JobState, Lock
from seedrender.values.job import JobId, MediaKind, Mode, Reference, ReferenceUse
from seedrender.values.manifest import LongTake
from seedrender.values.money import UNKNOWN_PRICE, Amount, Price
from tests.builders import clip, entry, job, record

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


def places(value: Any) -> list[tuple[Any, ...]]:
    """Every way from a JSON document to a value in it."""
    if not isinstance(value, dict | list):
        return [()]
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value)
    return [(), *((key, *rest) for key, found in inner for rest in places(found))]


@given(data=st.data(), value=VALUES)
def test_a_plan_with_anything_anywhere_in_it_is_refused_or_compared(
    data: st.DataObject, value: Any
) -> None:
    price = Price(low=ONE, expected=ONE, high=TWO)
    made = promise("spin", "opener", price=price, one="x")
    whole = json.loads(saved.dumps(made))
    place = data.draw(st.sampled_from(places(whole)[1:]))
    inner = whole
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value

    with suppress(ConfigError):
        breach.keep(saved.loads(json.dumps(whole), "film.plan"), made, "film.plan")


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
    with pytest.raises(ConfigError) as caught:
        promise("spin", other="fine", place=value)

    assert str(caught.value) == (
        "the var 'place' is given a signed address, and a plan is a file that is handed around: "
        "give the address without its signature, or a file; nothing was written"
    )


def test_vars_without_secrets_may_be_anything() -> None:
    given: dict[str, Any] = {"a": ["x", {"b": "https://h.example/a.png"}], "c": 7, "d": None}

    assert promise("spin", price=UNKNOWN_PRICE, **given).chosen.vars == given


@pytest.mark.parametrize(
    "text", ["https://h.example/a.png?v=2", "mira@example.org", "why?", "http://[", "a = b & c"]
)
def test_what_looks_a_little_like_one_is_none(text: str) -> None:
    assert promise("spin", price=UNKNOWN_PRICE, place=text).chosen.vars == {"place": text}


def test_a_job_that_stands_there_twice_is_refused() -> None:
    made = promise("spin")

    with pytest.raises(ConfigError, match="ValueError: one job stands there twice; make it anew"):
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


HERO = Reference(name="hero", kind=MediaKind.IMAGE, path="hero.png")
FIRST = job("fly/01", references=(ReferenceUse(reference=HERO),))
SECOND = job("fly/02", needs=(FIRST.id,), mode=Mode.V2V)
TAKE = LongTake(id=JobId("fly"), segments=(FIRST.id,), output="renders/fly.mp4")


def film() -> Promise:
    """A segment that is done and pinned, one that is bought, and a take to be joined."""
    made = record("c1", JobState.SUCCEEDED, fingerprint=graph_fingerprint())
    lock = Lock(
        manifest="film.yaml",
        entries={FIRST.id: entry("fly/01", made, output=clip("c1", FIRST.output))},
    )
    facts = Facts(lock=lock, digests={"hero": "11" * 32}, is_present=lambda _: True)
    plan = make.plan(graph.build([FIRST, SECOND]), (TAKE,), facts)
    rates = Rates(
        price=lambda _: Price(low=ONE, expected=TWO, high=TWO), digests={"hero": "11" * 32}
    )
    chosen = Chosen(
        profile="final", vars={"b": 1, "a": [2]}, selectors=("fly", "tag:x"), keep_stale=True
    )
    return saved.promise(plan, "film.yaml", "sim", chosen, rates, estimate(plan, rates.price))


def graph_fingerprint() -> Fingerprint:
    return definition(FIRST, {"hero": "11" * 32})


SAVED = {
    "plan": 1,
    "manifest": "film.yaml",
    "provider": "sim",
    "choices": {
        "profile": "final",
        "vars": {"a": [2], "b": 1},
        "selectors": ["fly", "tag:x"],
        "keep_stale": True,
    },
    "cost": {"low": "1.00 USD", "expected": "2.00 USD", "high": "2.00 USD", "unknown_jobs": 0},
    "items": [
        {
            "kind": "job",
            "id": "fly/01",
            "line": "film.yaml:3:3",
            "plan": "current",
            "reason": "as in the lock",
            "will_submit": False,
            "output": "renders/fly/01.mp4",
            "fingerprint": graph_fingerprint().digest,
            "parts": dict(graph_fingerprint().parts),
            "price": None,
        },
        {
            "kind": "job",
            "id": "fly/02",
            "line": "film.yaml:3:3",
            "plan": "missing",
            "reason": "never rendered",
            "will_submit": True,
            "output": "renders/fly/02.mp4",
            "fingerprint": "",  # as the clip of its parent says
            "parts": {
                "model": "seedance-2.0",
                "tier": "fast",
                "mode": "v2v",
                "prompt": "A kite over the sea.",
                "continues": ["sha256:" + "ab" * 32],
            },
            "price": {"low": "1.00 USD", "expected": "2.00 USD", "high": "2.00 USD"},
        },
        {
            "kind": "long take",
            "id": "fly",
            "line": "",
            "plan": "missing",
            "reason": "1 segments to be joined",
            "will_submit": False,
            "output": "renders/fly.mp4",
            "fingerprint": make.join_fingerprint(TAKE, ("ab" * 32,)).digest,
            "parts": {"segments": ["fly/01"], "audio": "keep"},
            "price": None,
        },
    ],
}


def test_a_plan_is_saved_as_documented() -> None:
    text = saved.dumps(film())

    found = json.loads(text)
    assert found["items"][1]["fingerprint"].startswith("sha256:")
    found["items"][1]["fingerprint"] = ""
    assert found == SAVED
    assert list(found) == list(SAVED)
    assert [list(item) for item in found["items"]] == [list(saved._TYPES)] * 3
    assert text.startswith('{\n "plan": 1,\n "manifest": "film.yaml",\n')
    assert text.endswith("}\n")


def test_what_is_not_known_yet_is_null_and_nobody_knows_a_price() -> None:
    facts = Facts(
        lock=Lock(manifest="film.yaml"), digests={"hero": "1"}, is_present=lambda _: False
    )
    plan = make.plan(graph.build([FIRST, SECOND]), (TAKE,), facts)
    rates = Rates(price=lambda _: UNKNOWN_PRICE, digests={"hero": "11" * 32})
    cost = estimate(plan, rates.price)

    made = saved.promise(plan, "film.yaml", "sim", Chosen(), rates, cost)

    _, second, take = made.items
    assert (second.fingerprint, second.price, take.fingerprint) == (None, None, None)
    assert dict(second.parts) == {
        "model": "seedance-2.0",
        "tier": "fast",
        "mode": "v2v",
        "prompt": "A kite over the sea.",
    }
    assert made.cost == {"low": None, "expected": None, "high": None, "unknown_jobs": 2}


def test_parts_of_what_waits_name_the_bytes_of_its_references() -> None:
    third = job("fly/03", needs=(SECOND.id,), references=(ReferenceUse(reference=HERO),))
    facts = Facts(lock=Lock(manifest="m"), digests={"hero": "11" * 32}, is_present=lambda _: False)
    plan = make.plan(graph.build([FIRST, SECOND, third]), (), facts)
    rates = Rates(price=lambda _: UNKNOWN_PRICE, digests={"hero": "22" * 32})

    made = saved.promise(plan, "m", "sim", Chosen(), rates, estimate(plan, rates.price))

    assert made.items[-1].parts["references"] == ["sha256:" + "22" * 32]


def test_each_job_has_its_own_price() -> None:
    facts = Facts(lock=Lock(manifest="m"), digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build([job("a"), job("b")]), (), facts)
    prices = {"a": Price(expected=ONE), "b": Price(expected=TWO)}
    rates = Rates(price=lambda found: prices[found.id], digests={})

    made = saved.promise(plan, "m", "sim", Chosen(), rates, estimate(plan, rates.price))

    assert [item.price for item in made.items] == [
        {"expected": "1.00 USD"},
        {"expected": "2.00 USD"},
    ]


def test_a_price_without_a_low_end_has_none() -> None:
    made = promise("spin", price=Price(expected=ONE))

    assert made.items[0].price == {"expected": "1.00 USD"}


def test_text_is_saved_as_it_is_read() -> None:
    made = replace(promise("spin"), chosen=Chosen(vars={"who": "Kätzchen"}))

    assert '"who": "Kätzchen"' in saved.dumps(made)


def changed(**fields: Any) -> str:
    return json.dumps({**json.loads(saved.dumps(film())), **fields})


def item(**fields: Any) -> str:
    row = json.loads(saved.dumps(film()))["items"][0]
    return changed(items=[{**row, **fields}])


def choices(**fields: Any) -> str:
    return changed(choices={**SAVED["choices"], **fields})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{", "it is not JSON (Expecting property name", id="no JSON"),
        pytest.param("[" * 100_000, "it is not JSON (", id="deep"),
        pytest.param("[]", "it does not begin with a version of plans", id="a list"),
        pytest.param("{}", "it does not begin with a version of plans", id="no version"),
        pytest.param(changed(plan=True), "it does not begin with a version of plans", id="true"),
        pytest.param(changed(plan=0), "it does not begin with a version of plans", id="nought"),
        pytest.param(changed(z=1, x=1), "ValueError: unknown key 'x'", id="a key"),
        pytest.param(changed(provider=7), "TypeError: 7 is not a str", id="no route"),
        pytest.param(changed(manifest=None), "TypeError: None is not a str", id="no manifest"),
        pytest.param(changed(choices=[]), "TypeError: [] is not a dict", id="no choices"),
        pytest.param(changed(cost=7), "TypeError: 7 is not a dict", id="no cost"),
        pytest.param(changed(items={}), "TypeError: {} is not a list", id="no items"),
        pytest.param(choices(profile=7), "TypeError: 7 is not a str", id="no profile"),
        pytest.param(choices(vars=[1]), "TypeError: [1] is not a dict", id="no vars"),
        pytest.param(choices(selectors="a"), "TypeError: 'a' is not a list", id="no selectors"),
        pytest.param(choices(selectors=[1]), "TypeError: 1 is not a str", id="no selector"),
        pytest.param(choices(keep_stale=1), "TypeError: 1 is not a bool", id="no bool"),
        pytest.param(
            choices(vars={"a": "\ud800"}),
            "ValueError: 'utf-8' codec can't encode character '\\ud800'",
            id="half a character",
        ),
        pytest.param(
            choices(vars={"a b\0": 1}),
            r"ValueError: vars:1:1: the key 'a b\x00' has a control character; delete it",
            id="a name",
        ),
        pytest.param(
            item(z=1), "ValueError: a job has not the keys that a plan has", id="a new key"
        ),
        pytest.param(changed(items=[7]), "ValueError: a job has not the keys", id="no job"),
        pytest.param(
            item(plan="bought"), "ValueError: 'bought' is not a valid Verdict", id="verdict"
        ),
        pytest.param(item(will_submit=1), "TypeError: 1 is not a bool", id="whether it is bought"),
        pytest.param(item(price=7), "TypeError: 7 is not a dict", id="no price"),
        pytest.param(item(fingerprint=7), "TypeError: 7 is not a str", id="no fingerprint"),
        pytest.param(
            item(output=["a" * 99]), f"TypeError: ['{'a' * 58} is not a str; ", id="a long value"
        ),
        pytest.param(json.dumps({"plan": 1}), "KeyError: 'choices'", id="nothing else"),
        pytest.param(item(plan="a\x1b"), r"ValueError: 'a\x1b' is not", id="what a terminal obeys"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        saved.loads(text, "film.plan")

    assert str(caught.value).startswith(
        f"film.plan is no plan that `seedrender plan --out` wrote: {words}"
    )
    assert str(caught.value).endswith("; make it anew; nothing was sent")
    assert len(str(caught.value)) < 400


def test_a_reason_is_cut_at_two_hundred_characters() -> None:
    with pytest.raises(ConfigError) as caught:
        saved.loads(item(plan="a" * 999), "film.plan")

    assert f": ValueError: '{'a' * 199}; make it anew" in str(caught.value)


def test_a_plan_of_a_newer_version_is_refused_by_name() -> None:
    with pytest.raises(ConfigError) as caught:
        saved.loads(changed(plan=2), "film.plan")

    assert str(caught.value) == (
        "film.plan has version 2 of plans, and this seedrender reads up to 1; upgrade seedrender, "
        "or make the plan anew; nothing was sent"
    )


def test_all_of_a_plan_is_read_again() -> None:
    made = film()

    found = saved.loads(saved.dumps(made), "film.plan")

    assert (found, found.cost) == (made, made.cost)
    assert [one.is_done for one in found.items] == [True, False, False]


def test_the_route_that_a_person_chose_is_saved_and_read_and_else_it_is_not_there() -> None:
    made = replace(promise("spin"), chosen=Chosen(provider="byteplus"))

    text = saved.dumps(made)

    assert json.loads(text)["choices"]["provider"] == "byteplus"
    assert saved.loads(text, "film.plan") == made
    assert "provider" not in json.loads(saved.dumps(promise("spin")))["choices"]
    with pytest.raises(ConfigError, match="TypeError: 7 is not a str"):
        saved.loads(choices(provider=7), "film.plan")
