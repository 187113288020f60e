"""Prints what crashes cost: runs that die at every moment, and processes killed at random."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.enumerated import Totals
from tests.crash.kills import kill_for
from tests.crash.parts import enumerate_all

_SHOWN = 5


def main() -> int:
    """Run what is asked for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--time", type=float, default=600, help="seconds of random kills")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=["kills", "enumerated"], help="one part of two")
    given = parser.parse_args()
    is_right = True
    if given.only != "kills":
        is_right &= enumerate_all(_report)
    if given.only != "enumerated":
        folder = Path(tempfile.mkdtemp(prefix="seedrender-crash-"))
        began = time.monotonic()
        kills = kill_for(given.time, folder, given.seed, _say)
        name = f"killed at random for {time.monotonic() - began:.0f} s, seed {given.seed}"
        is_right &= _report(name, kills)
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
