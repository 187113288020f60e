"""A few films on which authors work in clones; `make crash` plays on for as long as it is told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash import clones
from tests.crash.enumerated import Totals


@pytest.mark.parametrize("seed", range(6))
def test_what_a_clone_can_know_of_is_not_bought_again(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - to be repeated

    assert clones.play(tmp_path / "film", rng, Totals()) == []
