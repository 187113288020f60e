"""Prints what crashes and merges cost: at every moment, at random ones, and among clones."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.clones import merge_for
from tests.crash.enumerated import Totals
from tests.crash.kills import kill_for
from tests.crash.parts import enumerate_all

_SHOWN = 5


def main() -> int:
    """Run what is asked for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument(
        "--time", type=float, default=600, help="seconds of random kills, and of work in clones"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=["kills", "enumerated", "clones"], help="one part")
    given = parser.parse_args()
    is_right = True
    if given.only in (None, "enumerated"):
        is_right &= enumerate_all(_report)
    for part, how, play in (
        ("kills", "killed at random", kill_for),
        ("clones", "worked on in clones", merge_for),
    ):
        if given.only in (None, part):
            folder, began = Path(tempfile.mkdtemp(prefix="seedrender-crash-")), time.monotonic()
            totals = play(given.time, folder, given.seed, _say)
            name = f"{how} for {time.monotonic() - began:.0f} s, seed {given.seed}"
            is_right &= _report(name, totals)
    return 0 if is_right else 1


def _report(name: str, totals: Totals) -> bool:
    _say(f"{name}: {totals}")
    for row in totals.broken[:_SHOWN]:
        _say(f"  {row.kind}: {row.words}")
    return not totals.broken


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
