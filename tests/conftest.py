"""What holds for every test: no socket beyond loopback, no key of the person who runs it."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(  # one counterexample is enough, however large
    "mutation",
    settings.get_profile("shared"),
    max_examples=10,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("shared")  # a busy machine is no failure

# `make conformance` and `make s3` install what these need
_NEEDS = {"conformance": "SEEDRENDER_CONFORMANCE", "s3": "SEEDRENDER_S3"}
collect_ignore = [folder for folder, name in _NEEDS.items() if name not in os.environ]

_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> None:
    is_inet = self.family in (socket.AF_INET, socket.AF_INET6)
    if is_inet and address[0] not in ("127.0.0.1", "::1", "localhost"):
        pytest.fail(f"a test connects to {address}")
    _connect(self, address)


@pytest.fixture(autouse=True)
def no_network_and_no_stray_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    for name in (*keys, "MODELLIX_API_KEY", "MODELLIX_BASE_URL", "ARK_API_KEY", "ARK_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
