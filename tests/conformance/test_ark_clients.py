"""The public clients of Ark, on our simulator: what each of them makes of its answers."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

FOLDER = Path(os.environ["SEEDRENDER_CONFORMANCE"]).resolve()
DRIVERS = Path(__file__).parent / "clients"
KEY = "right"
ID = r"cgt-\d{14}-[0-9a-z]{5}"
CLIP = r"http://127\.0\.0\.1:\d+/files/cgt-[^\"]+\.mp4\?[^\"]+"
FAST, STANDARD = "dreamina-seedance-2-0-fast-260128", "doubao-seedance-2-0-260128"
GONE = {"raised": "ArkNotFoundError", "status": 404, "code": "NotFound.Task", "param": "id"}
REVIEW = "OutputVideoSensitiveContentDetected"
SDKS = {
    "volcengine-ark-runtime": "volcenginesdkarkruntime",
    "byteplus-python-sdk-v2": "byteplussdkarkruntime",
    "arkruntime": "arkruntime",
}


@pytest.fixture
def simulator() -> Iterator[str]:
    options = ["--port", "0", "--speed", "300", "--key", KEY, "--footage", "patched"]
    command = [sys.executable, "-m", "seedrender", "sim", *options, "--ark-concurrency", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        yield lines[1].split()[2]
        process.terminate()
        process.stdout.read()


def transcript(name: str, *command: str, **environment: str) -> list[dict[str, Any]]:
    """Run a driver, keep what it printed, and return that without ids, ports and signatures."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    sys.stdout.write(f"{done.stdout}{done.stderr}")  # pytest shows it where a test fails
    kept = FOLDER / "transcripts" / f"{name}.jsonl"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(done.stdout, "utf-8")
    assert done.returncode == 0
    shown = re.sub(f'"{CLIP}"', '"clip"', re.sub(f'"{ID}"', '"id"', done.stdout))
    return [json.loads(line) for line in shown.splitlines()]


def ledger(base: str) -> Any:
    with urllib.request.urlopen(base.removesuffix("/api/v3") + "/sim/ledger") as answer:
        return json.load(answer)


def clip(model: str, ratio: str, tokens: int, *, still: bool = False) -> dict[str, Any]:
    return {
        "id": "id",
        "status": "succeeded",
        "model": model,
        "resolution": "480p",
        "ratio": ratio,
        "duration": 4,
        "framespersecond": 24,
        "service_tier": "default",
        "tokens": tokens,
        "clip": "clip",
        "still": still,
        "seed": True,
    }


def refusal(kind: str, status: int, code: str | None, param: str | None) -> dict[str, Any]:
    return {"raised": f"Ark{kind}Error", "status": status, "code": code, "param": param}


NO_CLIP = dict.fromkeys(("resolution", "ratio", "duration", "framespersecond"))
EXPECTED: dict[str, dict[str, Any]] = {
    "text": clip(FAST, "16:9", 40_594, still=True),
    "first frame": clip(FAST, "3:4", 39_891),
    "references": clip(STANDARD, "16:9", 80_770),
    "failed": {
        "id": "id",
        "status": "failed",
        "model": FAST,
        **NO_CLIP,
        "service_tier": "default",
        "error": REVIEW,
    },
    "list a page": {"total": 4, "shown": 2},
    "list ids": {"total": 2, "same": True},
    "list failed": {"total": 1, "error": REVIEW},
    "list flex": {"total": 0},
    "read while waiting": {"status": "queued"},
    "delete while waiting": {"status": "cancelled"},
    "delete while running": refusal("Conflict", 409, "InvalidAction.RunningTaskDeletion", "id"),
    "read what is deleted": GONE,
    "bad key": refusal("Authentication", 401, "AuthenticationError", ""),
    "unknown model": refusal("NotFound", 404, "InvalidEndpointOrModel.NotFound", "model"),
    "bad parameter": refusal("BadRequest", 400, "InvalidParameter", "duration"),
    "unknown id": GONE,
    "moderated": refusal("BadRequest", 400, "InputTextSensitiveContentDetected", "content[0].text"),
    "busy": refusal("RateLimit", 429, "ServerOverloaded", "content[0].text"),
    "a proxy's page": refusal("InternalServer", 502, None, None),
    "created again by the SDK": {"id": "id"},
}


@pytest.mark.parametrize("name", SDKS)
def test_a_python_sdk_creates_reads_lists_deletes_and_is_refused(simulator: str, name: str) -> None:
    python = FOLDER / name / "bin" / "python"

    found = transcript(name, str(python), str(DRIVERS / "ark.py"), SDKS[name], simulator, KEY)

    assert {row.pop("step"): row for row in found} == EXPECTED
    made = [task for task in ledger(simulator)["tasks"] if "500-created" in task["prompt"]]
    assert len(made) == 2  # a creation is not idempotent, and the SDKs repeat it


def test_vercels_sdk_creates_reads_and_is_refused_and_buys_twice_after_a_failed_read(
    simulator: str,
) -> None:
    picture = BytesIO()
    Image.new("L", (300, 400)).save(picture, "PNG")
    driver = str(DRIVERS / "vercel.mjs")

    found = transcript(
        "vercel",
        *("node", driver, str(FOLDER), simulator, KEY),
        PICTURE=base64.b64encode(picture.getvalue()).decode(),
    )

    def good(tokens: int) -> dict[str, Any]:
        return {"clip": "video/mp4", "whole": True, "tokens": tokens}

    def bad(status: int, code: str, param: str) -> dict[str, Any]:
        return {"raised": "AI_APICallError", "status": status, "code": code, "param": param}

    rows = {row.pop("step"): row for row in found}
    assert rows.pop("failed")["raised"] == "BYTEDANCE_VIDEO_GENERATION_FAILED"
    assert rows.pop("one failed read, with retries")["raised"] == "AI_RetryError"
    assert rows == {
        "text": good(40_594),
        "start image": good(39_891),
        "start and end image": good(39_891),
        "references": good(80_770),
        "an option that nobody knows": good(40_594),
        "bad key": bad(401, "AuthenticationError", ""),
        "unknown model": bad(404, "InvalidEndpointOrModel.NotFound", "model"),
        "bad parameter": bad(400, "InvalidParameter", "duration"),
        "moderated": bad(400, "InputTextSensitiveContentDetected", "content[0].text"),
        "one failed read": bad(500, "InternalServiceError", ""),
        "tasks after one failed read, without retries": {"tasks": 1},
        "tasks after one failed read, with retries": {"tasks": 2},
    }
