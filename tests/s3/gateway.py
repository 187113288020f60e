"""Starts a real S3 server on loopback: one bucket, in a folder of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

BUCKET = "film"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Where it is, and what opens it."""

    endpoint: str
    environ: dict[str, str]


@contextmanager
def gateway(folder: Path) -> Iterator[Gateway]:
    """Serve a new, empty bucket."""
    program = os.environ["SEEDRENDER_S3"]
    meta, port = f"sqlite3://{folder / 'meta.db'}", _free_port()
    environ = {
        "AWS_ACCESS_KEY_ID": f"id-{secrets.token_hex(8)}",
        "AWS_SECRET_ACCESS_KEY": f"secret-{secrets.token_hex(16)}",
    }
    root = {
        "MINIO_ROOT_USER": environ["AWS_ACCESS_KEY_ID"],
        "MINIO_ROOT_PASSWORD": environ["AWS_SECRET_ACCESS_KEY"],
    }
    made = [program, "format", "--storage", "file", "--bucket", f"{folder}/blobs/", meta, BUCKET]
    subprocess.run(made, check=True, capture_output=True)
    address = f"127.0.0.1:{port}"
    served = [program, "gateway", meta, address, "--no-usage-report", "--no-banner"]
    served += ["--metrics", f"127.0.0.1:{_free_port()}", "--cache-dir", str(folder / "cache")]
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(served, env={**os.environ, **root}, stdout=log, stderr=log)
    try:
        _wait_for(port, process)
        yield Gateway(endpoint=f"http://{address}", environ=environ)
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the gateway did not start")
