"""What stands in for a recorded clip: as the answer says, else as was asked for, else the usual."""

from __future__ import annotations

from typing import Any

import pytest

from seedrender.sim.likeness import USUAL, Likeness, Likenesses

ARK = {"model": "dreamina-seedance-2-0-260128", "resolution": "720p", "ratio": "9:16"}


def after(path: str, sent: Any, answer: Any) -> Likenesses:
    return Likenesses([{"method": "POST", "path": path, "sent": sent, "answer": answer}])


def test_what_was_asked_for_holds_where_the_answer_says_nothing() -> None:
    sent = {"prompt": "A kite.", "duration": 7, "ratio": "1:1", "resolution": "480p"}
    path = "/api/v1/bytedance/seedance-2.0-fast-t2v/async"

    known = after(path, sent, {"code": 0, "data": {"task_id": "t-1"}})

    assert known.of("t-1").seconds == 7
    assert known.of("t-1").width == known.of("t-1").height
    assert known.of("t-2") == USUAL


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"url": "u", "width": 640, "height": 361, "duration": 5}, (640, 360, 5)),
        ({"url": "u", "width": 10**400, "height": -1}, (864, 496, 4)),
        ({"url": "u", "width": 9e8, "height": 1}, (4096, 16, 4)),
        ({"status": "success", "duration": 93_500}, (864, 496, 4)),  # of the rendering, in ms
        ({"content": {}, "frames": 29, "framespersecond": 24}, (864, 496, 29 / 24)),
        ({"content": {}, "duration": 5e8}, (864, 496, 60)),
        ({"content": {}, "duration": True, "model": [], "ratio": {}}, (864, 496, 4)),
        ({**ARK, "content": {}, "duration": 6}, (720, 1280, 6)),
    ],
)
def test_what_the_answer_says_holds(said: dict[str, Any], expected: tuple[float, ...]) -> None:
    told = Likenesses([]).told(said, USUAL)

    assert (told.width, told.height, told.seconds) == expected


@pytest.mark.parametrize(
    "sent", [{"ratio": "0:0"}, {"resolution": []}, {"duration": 1e999}, {"duration": -1}, {}]
)
def test_an_odd_submit_is_the_usual(sent: dict[str, Any]) -> None:
    known = after("/api/v3/contents/generations/tasks", ARK | sent, {"id": 12})

    assert known.of("12").seconds in (USUAL.seconds, 5)


@pytest.mark.parametrize("answer", [None, [], {"data": []}, {"id": {}}, {"code": 400}])
def test_a_submit_without_a_task_is_of_no_task(answer: Any) -> None:
    known = after("/nothing/of/ours", {"prompt": "A kite."}, answer)

    assert known.told({"id": "x", "generate_audio": False}, USUAL) == Likeness(has_sound=False)
