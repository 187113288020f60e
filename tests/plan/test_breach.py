"""What moved since a plan was agreed on, as it is told to whoever runs it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seedrender.errors import ConfigError
from seedrender.plan import breach
from seedrender.plan.saved import Chosen, Item, Promise

SPIN = Item(
    kind="job",
    id="spin",
    line="film.yaml:3:3",
    plan="missing",
    reason="never rendered",
    will_submit=True,
    output="renders/spin.mp4",
    fingerprint="sha256:aa",
    parts={"prompt": "A kite.", "seed": 7},
    price={"low": "1.00 USD", "expected": "1.00 USD", "high": "2.00 USD"},
)
DONE = replace(SPIN, plan="current", reason="as in the lock", will_submit=False, price=None)


def promise(*items: Item, provider: str = "sim") -> Promise:
    return Promise(manifest="film.yaml", provider=provider, chosen=Chosen(), items=items)


def moved(old: Item | None, new: Item | None) -> list[str]:
    return breach.moved(*(promise(*([one] if one is not None else [])) for one in (old, new)))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"reason": "it is wanted"}, None, id="the words alone"),
        pytest.param({"line": "film.yaml:9:9"}, None, id="its place"),
        pytest.param(
            {"parts": {"prompt": "A fox.", "audio": True}, "fingerprint": "sha256:bb"},
            "prompt was A kite., is A fox.; seed was 7, is not set; audio was not set, is true",
            id="its definition",
        ),
        pytest.param(
            {"fingerprint": "sha256:bb"}, "what it is made from changed", id="the clip before"
        ),
        pytest.param(
            {"output": "renders/a.mp4"},
            "output was renders/spin.mp4, is renders/a.mp4",
            id="its file",
        ),
        pytest.param(
            {"price": None}, "price was 1.00 USD to 2.00 USD, is unknown", id="no price"
        ),
        pytest.param(
            {"price": {"low": "3.00 USD", "expected": "3.00 USD", "high": "3.00 USD"}},
            "price was 1.00 USD to 2.00 USD, is 3.00 USD",
            id="another price",
        ),
        pytest.param(
            {"will_submit": False, "price": None, "fingerprint": "sha256:bb"},
            "was to be missing: never rendered, is missing: never rendered; price was 1.00 USD to "
            "2.00 USD, is not set",
            id="not bought",
        ),
        pytest.param(
            {"plan": "stale", "reason": "its definition changed"},
            "was to be missing: never rendered, is stale: its definition changed",
            id="another verdict",
        ),
    ],
)  # fmt: skip
def test_what_would_be_done_otherwise_is_told_word_for_word(
    fields: dict[str, Any], words: str | None
) -> None:
    now = replace(SPIN, line="film.yaml:4:4")

    found = moved(SPIN, replace(now, **fields))

    place = fields.get("line", "film.yaml:4:4")
    assert found == ([] if words is None else [f"{place}: job spin: {words}"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param(SPIN, None, "film.yaml:3:3: job spin: is not asked for any more", id="gone"),
        pytest.param(
            None, SPIN, "film.yaml:3:3: job spin: is new (missing: never rendered)", id="new"
        ),
        pytest.param(
            None,
            replace(SPIN, kind="long take", id="fly", line=""),
            "long take fly: is new (missing: never rendered)",
            id="a take, which has no line",
        ),
        pytest.param(
            DONE,
            SPIN,
            "film.yaml:3:3: job spin: was to be current: as in the lock, is missing: never "
            "rendered; price was not set, is 1.00 USD to 2.00 USD",
            id="what was done is to be bought",
        ),
        pytest.param(
            SPIN,
            DONE,
            "film.yaml:3:3: job spin: was to be missing: never rendered, is current: as in the "
            "lock; price was 1.00 USD to 2.00 USD, is not set",
            id="what was to be bought is done",
        ),
    ],
)
def test_jobs_that_come_and_go_are_told(old: Item | None, new: Item | None, words: str) -> None:
    assert moved(old, new) == [words]


def test_of_what_is_done_before_and_after_nothing_matters() -> None:
    other = replace(DONE, parts={}, output="x.mp4", fingerprint=None, reason="pinned")

    assert moved(DONE, other) == moved(DONE, None) == moved(None, DONE) == []


def test_a_job_and_a_take_of_one_name_are_two() -> None:
    take = replace(DONE, kind="long take")

    assert breach.moved(promise(SPIN, take), promise(SPIN, take)) == []
    assert len(breach.moved(promise(take), promise(SPIN))) == 1


def test_another_route_is_told_first() -> None:
    found = breach.moved(promise(SPIN), promise(provider="byteplus"))

    assert found == [
        "the route was sim, and is byteplus",
        "film.yaml:3:3: job spin: is not asked for any more",
    ]


def test_what_is_told_holds_nothing_that_a_terminal_would_obey() -> None:
    bad = replace(SPIN, id="sp\x1bin", reason="never\x07")

    assert moved(None, bad) == [r"film.yaml:3:3: job sp\x1bin: is new (missing: never\x07)"]


def test_long_values_are_cut_at_two_hundred_characters() -> None:
    long, longer = replace(SPIN, reason="a" * 200), replace(SPIN, reason="a" * 201)

    assert moved(None, long) == [f"film.yaml:3:3: job spin: is new (missing: {'a' * 200})"]
    assert moved(None, longer) == [f"film.yaml:3:3: job spin: is new (missing: {'a' * 200}…)"]


@pytest.mark.parametrize(("count", "more"), [(1, None), (20, None), (21, "… and 1 more")])
def test_a_promise_that_does_not_hold_is_refused_with_all_that_moved(
    count: int, more: str | None
) -> None:
    items = [replace(SPIN, id=f"s{n}", line="") for n in range(count)]

    with pytest.raises(ConfigError) as caught:
        breach.keep(promise(), promise(*items), "film.plan")

    first, *told, last = str(caught.value).split("\n")
    assert first == "film.plan does not hold any more; nothing was sent. Since it was made:"
    assert last == "Look at `seedrender plan` again, and save that one."
    assert told[0] == "  job s0: is new (missing: never rendered)"
    assert len(told) == min(count, 20) + (more is not None)
    assert (told[-1] == f"  {more}") == (more is not None)
    breach.keep(promise(*items), promise(*items), "film.plan")
