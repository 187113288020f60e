"""Prints what crashes cost: runs that die at every moment, and processes killed at random."""

from __future__ import annotations

import argparse
import errno
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.crash.enumerated import Totals, enumerate_crashes
from tests.crash.film import SHORT, STALE, WHOLE
from tests.crash.kills import kill_for
from tests.crash.stopped import fail_everywhere, interrupt_everywhere

_SHOWN = 5
_ROUTES = ("modellix", "sim")


def main() -> int:
    """Run what is asked for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--time", type=float, default=600, help="seconds of random kills")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=["kills", "enumerated"], help="one part of two")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="seedrender-crash-"))
    is_right = True
    for name, part in _parts().items() if given.only != "kills" else ():
        is_right &= _report(name, part(_made(folder / name)))
    if given.only != "enumerated":
        kills = kill_for(given.time, folder / "kills", given.seed, _say)
        is_right &= _report(f"killed at random, seed {given.seed}", kills)
    if not is_right:
        _say(f"What is broken is in {folder}")
    return 0 if is_right else 1


def _parts() -> dict[str, Callable[[Path], Totals]]:
    parts: dict[str, Callable[[Path], Totals]] = {}
    for route in _ROUTES:
        parts |= {
            f"{route}-dies": partial(enumerate_crashes, route=route, shots=WHOLE),
            f"{route}-dies-while-a-clip-is-replaced": partial(
                enumerate_crashes, route=route, shots=STALE
            ),
            f"{route}-interrupted": partial(interrupt_everywhere, route=route, shots=SHORT),
            f"{route}-disk-full": partial(fail_everywhere, route=route, shots=WHOLE),
            f"{route}-disk-error": partial(
                fail_everywhere, route=route, shots=WHOLE, number=errno.EIO, is_for_good=False
            ),
        }
    return parts


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


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
