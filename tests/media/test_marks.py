"""What says that footage was generated is kept, whatever it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.media.marks import AIGC, COMMENT, has_label, of_all


@pytest.mark.parametrize(
    ("parts", "marks"),
    [
        pytest.param([{}, {"title": "x"}], {}, id="none"),
        pytest.param([{AIGC: "x"}, {AIGC: "x"}], {AIGC: "x"}, id="the same"),
        pytest.param([{"COMMENT": "x", "aigc": "y"}], {AIGC: "y", COMMENT: "x"}, id="capitals"),
        pytest.param([{AIGC: "x"}, {AIGC: "[1]"}], {AIGC: "x; [1]"}, id="no objects"),
        pytest.param([{AIGC: '{"Label": 1}'}, {AIGC: "{}"}], {AIGC: '{"Label": 1}; {}'},
                     id="no texts"),
        pytest.param([{AIGC: '{"Label": "3"}'}, {AIGC: '{"Label": "1"}'}],
                     {AIGC: '{"Label": "1"}'}, id="the surest label"),
        pytest.param([{COMMENT: "a" * 70_000}, {COMMENT: "b"}], {COMMENT: "a" * 65_536}, id="long"),
    ],
)  # fmt: skip
def test_the_marks_of_a_whole_are_those_of_its_parts(
    parts: list[dict[str, str]], marks: dict[str, str]
) -> None:
    assert of_all(parts) == marks
    assert has_label(parts) == (AIGC in marks)


labels = st.dictionaries(
    st.sampled_from(["Label", "ProduceID", "ContentProducer"]),
    st.text("abc雨", min_size=1, max_size=5),
)


@given(st.lists(labels, min_size=1, max_size=4))
def test_every_value_of_a_label_is_in_the_label_of_the_whole(parts: list[dict[str, str]]) -> None:
    whole = of_all([{AIGC: json.dumps(part, ensure_ascii=False)} for part in parts])[AIGC]

    for part in parts:
        for key, value in part.items():
            assert key == "Label" or value in whole
