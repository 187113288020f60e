"""Where crash tests keep their films."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

MEMORY = Path("/dev/shm")  # a sync takes no time there  # noqa: S108 - a folder of its own in it


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """Give each test a folder in memory, where the machine has one."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=MEMORY, prefix="seedrender-") as name:
        yield Path(name)
