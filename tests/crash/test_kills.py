"""Real processes, killed with -9 at random moments; `make crash` does so for longer."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter


def test_runs_that_are_killed_again_and_again_pay_nothing_twice_and_lose_nothing() -> None:
    command = [sys.executable, "-m", "tests.crash", "--only", "kills", "--time", "10"]

    ended = subprocess.run([*command, "--seed", "1"], capture_output=True, text=True, check=False)

    rows = ended.stdout.splitlines()[-1].partition(": ")[2].split(", ")
    totals = Counter({name: int(count) for name, count in (row.split(": ") for row in rows)})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert totals["kills"] > 0 < totals["tasks"]
    for kind in ("paid twice", "lost", "unrecorded", "written off", "wrong clip", "stuck"):
        assert totals[kind] == 0, ended.stdout
