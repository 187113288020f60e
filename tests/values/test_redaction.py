"""What is in no recording."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seedrender.values.redaction import forms_of, redacted, redacted_path, without_key
from tests.providers.test_messages import OPENERS


@pytest.mark.parametrize("text", OPENERS)
def test_nothing_that_opens_something_is_recorded(text: str) -> None:
    shown = json.dumps(redacted({"said": text, text: [text]}))

    assert "s3cret" not in shown


def test_a_member_whose_name_opens_something_is_hidden_and_a_count_is_not() -> None:
    said = {"api_key": "0123456789", "total_tokens": 5, "token": "short"}

    assert redacted(said) == {"api_key": "…", "total_tokens": 5, "token": "short"}


@pytest.mark.parametrize("key", ['ke/y+with=odd&cha"rs', "plain-key", "ключ-ключ"])
def test_a_key_is_hidden_however_it_is_written(key: str) -> None:
    for form in forms_of(key):
        assert without_key(f"no {form} here", key) == "no … here"
    assert forms_of("short") == ()


def test_what_opens_something_is_in_no_recording() -> None:
    signed = "https://cdn.example/a.mp4?X-Amz-Signature=s3cret&n=1"
    value: Any = {
        "url": signed,
        "said": [f"look at {signed} now"],
        "data": "data:image/png;base64,AA",
    }
    deep: Any = value
    for _ in range(60):
        deep = [deep]

    assert "s3cret" not in json.dumps(redacted(value))
    assert redacted(value)["said"][0].startswith("look at https://cdn.example/a.mp4?")
    assert "…" in json.dumps(redacted(deep), ensure_ascii=False)
    assert redacted([1, None, "x" * 30_000])[2] == "x" * 20_000
    assert redacted({"data": "data:image/png;base64,AA"}) == {
        "data": "data:image/png;base64,… (24 characters)"
    }
    assert redacted_path("/a?X-Amz-Signature=s3cret").startswith("/a")
    assert "s3cret" not in redacted_path("/a?X-Amz-Signature=s3cret")
    assert redacted_path("/v3/tasks?page_num=1&filter.task_ids=t") == (
        "/v3/tasks?page_num=1&filter.task_ids=t"
    )
