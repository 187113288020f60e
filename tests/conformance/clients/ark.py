"""Takes one of Ark's Python SDKs through the life of some tasks: `ark.py MODULE BASE_URL KEY`.

It runs in the SDK's own environment, prints what the SDK made of each answer as JSON lines, and
knows nothing of seedrender.
"""

from __future__ import annotations

import base64
import importlib
import json
import struct
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

MODULE, BASE, KEY = sys.argv[1:]
FAST, STANDARD, NEWEST = (
    "dreamina-seedance-2-0-fast-260128",
    "doubao-seedance-2-0-260128",
    "dreamina-seedance-2-5-260628",
)
SHOWN = ("status", "model", "resolution", "ratio", "duration", "framespersecond", "service_tier")


def client(**options: Any) -> Any:
    settings = {"base_url": BASE, "api_key": KEY, "max_retries": 0, **options}
    return importlib.import_module(MODULE).Ark(**settings).content_generation.tasks


def say(step: str, **facts: Any) -> None:
    sys.stdout.write(json.dumps({"step": step, **facts}) + "\n")


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def picture() -> str:
    """Return a plain picture of 300 x 400."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 300, 400, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(301 * 400))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


def until(tasks: Any, task_id: str, *wanted: str) -> Any:
    while True:
        task = tasks.get(task_id=task_id)
        if task.status in wanted:
            return task
        time.sleep(0.02)


def made(tasks: Any, step: str, content: list[dict[str, Any]], **more: Any) -> Any:
    """Create a task, wait for its end, and say what came of it."""
    body = {"model": FAST, "resolution": "480p", "duration": 4, **more}
    created = tasks.create(content=content, **body)
    task = until(tasks, created.id, "succeeded", "failed")
    facts = {name: getattr(task, name, None) for name in SHOWN}
    if task.status == "succeeded":
        facts |= {"tokens": task.usage.total_tokens, "clip": task.content.video_url}
        facts |= {"still": bool(task.content.last_frame_url), "seed": isinstance(task.seed, int)}
    else:
        facts["error"] = task.error.code
    say(step, id=created.id, **facts)
    return task


def refused(step: str, call: Callable[[], Any]) -> None:
    """Say how the SDK reports that a request was refused."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 -- whatever the SDK raises is the finding
        body = getattr(error, "body", None)
        inner = body.get("error", body) if isinstance(body, dict) else {}
        facts = {key: getattr(error, key, None) or inner.get(key) for key in ("code", "param")}
        status = getattr(error, "status_code", None)
        say(step, raised=type(error).__name__, status=status, **facts)
    else:
        say(step, raised=None)


def main() -> None:
    tasks = client()
    plain = made(tasks, "text", [text("a kite")], ratio="16:9", return_last_frame=True, seed=7)
    frame = {"type": "image_url", "image_url": {"url": picture()}}
    made(tasks, "first frame", [text("it moves"), {**frame, "role": "first_frame"}])
    still = {"url": "https://cdn.example.org/hero.png"}
    clip = {"url": plain.content.video_url}
    references = [
        text("Image 1 walks past Video 1"),
        {"type": "image_url", "role": "reference_image", "image_url": still},
        {"type": "video_url", "role": "reference_video", "video_url": clip},
    ]
    continued = made(tasks, "references", references, model=STANDARD)
    made(tasks, "failed", [text("[sim:fail=OutputVideoSensitiveContentDetected] a kite")])
    lists(tasks, plain.id, continued.id)
    deletions(tasks, plain.id)
    errors(tasks)
    again = client(max_retries=2).create(model=FAST, content=[text("[sim:500-created] a kite")])
    say("created again by the SDK", id=again.id)


def listed(tasks: Any, **query: Any) -> Any:
    time.sleep(0.05)  # one list a second is allowed, of the simulator's seconds
    return tasks.list(**query)


def lists(tasks: Any, first: str, second: str) -> None:
    found = listed(tasks, page_num=1, page_size=2)
    say("list a page", total=found.total, shown=len(found.items))
    found = listed(tasks, task_ids=[first, "cgt-20200101000000-abcde", second])
    same = {item.id for item in found.items} == {first, second}
    say("list ids", total=found.total, same=same)
    found = listed(tasks, status="failed", model=FAST)
    say("list failed", total=found.total, error=found.items[0].error.code)
    say("list flex", total=listed(tasks, service_tier="flex").total)


def deletions(tasks: Any, done: str) -> None:
    body = {"model": NEWEST, "duration": 4}
    running = tasks.create(content=[text("[sim:stuck] a kite")], **body).id
    until(tasks, running, "running")
    waiting = tasks.create(content=[text("a kite that waits")], **body).id
    say("read while waiting", status=tasks.get(task_id=waiting).status)
    tasks.delete(task_id=waiting)
    say("delete while waiting", status=tasks.get(task_id=waiting).status)
    refused("delete while running", lambda: tasks.delete(task_id=running))
    tasks.delete(task_id=done)
    refused("read what is deleted", lambda: tasks.get(task_id=done))


def errors(tasks: Any) -> None:
    content = [text("a kite")]
    refused("bad key", lambda: client(api_key="wrong").create(model=FAST, content=content))
    refused("unknown model", lambda: tasks.create(model="seedance-9", content=content))
    refused("bad parameter", lambda: tasks.create(model=FAST, content=content, duration=99))
    refused("unknown id", lambda: tasks.get(task_id="cgt-20200101000000-abcde"))
    for step, code in (
        ("moderated", "InputTextSensitiveContentDetected"),
        ("busy", "ServerOverloaded"),
    ):
        marked = [text(f"[sim:refuse={code}] a kite")]
        refused(step, lambda marked=marked: tasks.create(model=FAST, content=marked))  # type: ignore[misc]
    page = [text("[sim:502-page] a kite")]
    refused("a proxy's page", lambda: tasks.create(model=FAST, content=page))


if __name__ == "__main__":
    main()
