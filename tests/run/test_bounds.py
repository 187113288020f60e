"""run/bounds.py: what an expansion may cost, in the processor's own seconds."""

from __future__ import annotations

import time

import pytest

from seedrender.errors import ManifestError
from seedrender.run import bounds


def work(seconds: float) -> None:
    started = time.process_time()
    while time.process_time() - started < seconds:
        pass


def test_a_long_text_may_take_longer_to_read_than_a_short_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "_FIRST_S", 0.0)

    with bounds.bounded("film.yaml", None, size_bytes=20 * bounds._BYTES_PER_S):
        work(0.6)
    with pytest.raises(ManifestError, match="takes too long"), bounds.bounded("film.yaml", None):
        work(60.0)
