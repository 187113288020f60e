from __future__ import annotations

from dataclasses import replace

import pytest

from seedrender.errors import Origin
from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.identity import Asked
from seedrender.plan.explain import (
    Change,
    Difference,
    compare,
    definition,
    differences,
    other_route,
    shown,
    without_parents,
)
from seedrender.values.entry import Fingerprint
from seedrender.values.job import JobId, Mode, Place
from tests.builders import job, record

WRITTEN, ELSEWHERE = Origin("film.yaml", 8, 15), Origin("film.yaml", 9, 11)


def test_each_difference_is_told_where_the_manifest_says_it_or_on_the_line_of_the_job() -> None:
    places = {"duration": Place(WRITTEN, ("shots",)), "seed": Place(ELSEWHERE, ("shots",))}
    spin = job(places=places)
    old = Fingerprint(digest="a", parts={"prompt": "A.", "duration_s": 4, "tier": "fast"})
    new = Fingerprint(digest="b", parts={"tier": "fast", "seed": 7, "duration_s": 6})

    assert compare(spin, old, new) == (
        Change("prompt", "A.", None, spin.origin),
        Change("duration_s", 4, 6, WRITTEN),
        Change("seed", None, 7, ELSEWHERE),
    )


def test_parts_that_are_equal_differ_in_nothing() -> None:
    assert differences({"a": 1, "b": None}, {"a": 1}) == ()
    assert differences({"a": 1}, {"a": 2}) == (Difference("a", 1, 2),)


def test_a_definition_leaves_the_clips_out_that_a_segment_continues() -> None:
    second = job("fly/02", needs=(JobId("fly/01"),), mode=Mode.V2V)
    whole = fingerprint(second, {}, {JobId("fly/01"): "ab" * 32})

    found = without_parents(whole)

    assert "continues" in whole.parts
    assert (found.digest, found.version) == (whole.digest, whole.version)
    assert found.parts == definition(second, {}).parts == {
        name: value for name, value in whole.parts.items() if name != "continues"
    }  # fmt: skip
    assert definition(second, {}).digest == fingerprint(second, {}, {JobId("fly/01"): ""}).digest


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "not set"),
        ("", ""),
        ("a kite", "a kite"),
        ("one\ntwo\x1b[1m", r"one\ntwo\x1b[1m"),
        (["ein Kätzchen", 7], '["ein Kätzchen", 7]'),
        (False, "false"),
    ],
)
def test_a_value_is_shown_in_one_line(value: object, words: str) -> None:
    assert shown(value) == words


def test_a_clip_of_a_route_that_does_not_pass_differs_in_its_route() -> None:
    made = record(provider="sim")
    asked = Asked(route="byteplus")

    assert other_route(made, asked, WRITTEN) == (Change("provider", "sim", "byteplus", WRITTEN),)
    assert other_route(replace(made, provider="byteplus"), asked, WRITTEN) == ()
    assert other_route(None, asked, WRITTEN) == ()
