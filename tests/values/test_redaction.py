"""What is in no recording."""

from __future__ import annotations

import json
from typing import Any

from seedrender.values.redaction import redacted, redacted_path


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
