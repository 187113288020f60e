"""What holds for the expansion of every manifest, whatever it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import Origin
from seedrender.lock.fingerprint import fingerprint
from seedrender.source import expand, yaml_text
from seedrender.values.job import Job

WORDS = ["black", "silver", "rain", "snow", "front", "side"]
AXES = ["colour", "angle", "weather"]
values = st.sampled_from([*WORDS, 1, 2, 3, True])
axis = st.lists(values, min_size=1, max_size=3, unique_by=lambda value: str(value).lower())
matrices = st.dictionaries(st.sampled_from(AXES), axis, min_size=1, max_size=3)
settings = st.fixed_dictionaries(
    {},
    optional={
        "duration": st.integers(4, 15),
        "ratio": st.sampled_from(["16:9", "9:16"]),
        "resolution": st.sampled_from(["480p", "720p"]),
        "tier": st.sampled_from(["fast", "standard"]),
        "seed": st.integers(-1, 9),
        "audio": st.booleans(),
    },
)
tags = st.lists(st.sampled_from(["hero", "final"]), max_size=2, unique=True)
DIGESTS = {"hero": "aa", "score": "bb"}
ENTRY = "A {{ vars.product }} of {{ maker }}, {{ look }}, {{ ref.hero }}."


@st.composite
def shots(draw: st.DrawFn) -> dict[str, Any]:
    shot = {**draw(settings), "template": "car", "tags": draw(tags)}
    shot["with"] = {"look": draw(st.sampled_from(WORDS))}
    if draw(st.booleans()):
        shot["takes"] = draw(st.integers(1, 3))
    kind = draw(st.sampled_from(["one", "matrix", "foreach"]))
    if kind == "matrix":
        matrix = draw(matrices)
        shot["matrix"] = matrix
        name = draw(st.sampled_from(list(matrix)))
        shot["include"] = [{name: matrix[name][0], "maker": "Zenith"}]
        if len(matrix) > 1:
            first = next(iter(matrix))
            shot["exclude"] = [{key: matrix[key][-1] for key in (first, name)}]
            shot["exclude"] = shot["exclude"] if len(matrix[first]) > 1 else []
    if kind == "foreach":
        rows = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True))
        shot["foreach"] = [{"id": row, "maker": row.title(), "extra": 1} for row in rows]
    return shot


@st.composite
def films(draw: st.DrawFn) -> dict[str, Any]:
    names = st.lists(st.sampled_from(["a", "b", "c.d", "e-f"]), min_size=1, max_size=3, unique=True)
    film: dict[str, Any] = {
        "seedrender": 1,
        "name": "film",
        "vars": {"product": "Aurora", "unused": [1, {"x": None}]},
        "defaults": draw(settings),
        "references": {"hero": {"image": "refs/hero.png"}, "score": {"audio": "refs/score.mp3"}},
        "templates": {
            "car": {"extends": "base", **draw(settings)},
            "base": {
                "prompt": ENTRY,
                "params": {"look": {"type": "string"}, "maker": {"default": "Orion"}},
                "references": draw(st.sampled_from([[], ["score"]])),
            },
        },
        "shots": {name: draw(shots()) for name in draw(names)},
    }
    if draw(st.booleans()):
        film["chains"] = {"fly": {"prompt": "One flight.", "duration": draw(st.integers(16, 60))}}
    return film


def expanded(text: str) -> dict[str, tuple[Job, str]]:
    """Return jobs by id with their digests, without the places in the text."""
    here = Origin("f", 1, 1)
    return {
        job.id: (
            replace(job, origin=here, row=job.row and here),
            fingerprint(job, DIGESTS, dict.fromkeys(job.needs, "ff")).digest,
        )
        for job in expand.load(text, "f.yaml", read=lambda _: "").jobs
    }


def reordered(value: Any, random: Random, *, is_matrix: bool = False) -> Any:
    """Shuffle the keys of every mapping but the axes of a matrix, whose order is in the ids."""
    if isinstance(value, list):
        return [reordered(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    rows = [(key, reordered(v, random, is_matrix=key == "matrix")) for key, v in value.items()]
    if not is_matrix:
        random.shuffle(rows)
    return dict(rows)


@given(films(), st.randoms(use_true_random=False))
def test_expansion_is_deterministic_and_knows_no_order_of_keys(
    film: dict[str, Any], random: Random
) -> None:
    found = expanded(yaml_text.dump(film))

    assert found
    assert expanded(yaml_text.dump(film)) == found
    assert expanded(yaml_text.dump(reordered(film, random))) == found


@given(films(), st.data())
def test_another_value_of_any_axis_changes_no_other_job(
    film: dict[str, Any], data: st.DataObject
) -> None:
    crossed = [name for name, shot in film["shots"].items() if "matrix" in shot]
    if not crossed:
        return
    before = expanded(yaml_text.dump(film))
    matrix = film["shots"][data.draw(st.sampled_from(crossed))]["matrix"]
    name = data.draw(st.sampled_from(list(matrix)))
    place = data.draw(st.integers(0, len(matrix[name])))
    matrix[name] = [*matrix[name][:place], "newcomer", *matrix[name][place:]]

    after = expanded(yaml_text.dump(film))

    assert before.items() <= after.items()
    assert len(after) > len(before)


STYLES = st.fixed_dictionaries(
    {
        "default_flow_style": st.sampled_from([True, False, None]),
        "indent": st.integers(2, 6),
        "width": st.sampled_from([20, 80, 1000]),
        "allow_unicode": st.booleans(),
        "explicit_start": st.booleans(),
    }
)


@given(films(), STYLES)
def test_printing_what_was_parsed_expands_to_the_same(
    film: dict[str, Any], style: Mapping[str, Any]
) -> None:
    text = yaml.safe_dump(film, sort_keys=False, **style)

    parsed = yaml_text.parse(text, "f.yaml").root
    printed = yaml_text.dump(parsed)

    assert parsed == film
    assert yaml_text.parse(printed, "f.yaml").root == parsed
    assert expanded(printed) == expanded(text)
