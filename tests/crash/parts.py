"""Lists the parts of the enumeration, and runs them on all processors."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.crash.conftest import MEMORY
from tests.crash.enumerated import Totals, enumerate_crashes
from tests.crash.film import HOSTED, ROUTES, SHORT, STALE, WHOLE
from tests.crash.stopped import fail_everywhere, interrupt_everywhere

Part = Callable[[Path], Totals]


def enumerate_all(report: Callable[[str, Totals], bool]) -> bool:
    """Run every part, several at once, add up, and say whether all promises were kept."""
    began, whole, is_right = time.monotonic(), Totals(), True
    memory = MEMORY if MEMORY.is_dir() else None
    count = (os.cpu_count() or 1) + 1  # a part waits for its threads now and then
    with (
        tempfile.TemporaryDirectory(dir=memory, prefix="seedrender-crash-") as name,
        ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool,
    ):
        parts = {
            pool.submit(_timed, part, Path(name) / words.replace(" ", "-")): words
            for words, part in _parts()
        }
        for done in as_completed(parts):
            totals, seconds = done.result()
            is_right &= report(f"{parts[done]}, {seconds:.0f} s", totals)
            whole.counts.update(_points(totals.counts))
            whole.broken += totals.broken
    return report(f"enumerated in {time.monotonic() - began:.0f} s", whole) and is_right


def _points(counts: Mapping[str, int]) -> Counter[str]:
    """Name the moments at which runs were stopped, over all parts."""
    return Counter(
        {
            "journal writes": counts["journal writes"],
            "loop steps": counts["steps"] + counts["interrupted"],
            "disk operations": counts["disk operations"] + counts["failed"],
            "journals cut": counts["cuts"],
            "states resumed": sum(
                counts[name]
                for name in (*("killed", "killed, sent", "torn", "power lost", "resumed"),)
            ),
            "runs": counts["runs"],
        }
    )


def _parts() -> Iterator[tuple[str, Part]]:
    """Return every part, the long ones first."""
    for route, shots in (("modellix", HOSTED), ("byteplus", WHOLE), ("sim", SHORT)):
        full = partial(fail_everywhere, route=route, shots=shots)
        cut = 1 if shots == SHORT else 4  # a long journal is not cut at every byte
        dies = partial(enumerate_crashes, route=route, shots=shots, each_byte=cut)
        yield f"{route}: dies", dies
        yield f"{route}: disk full", full
        yield f"{route}: disk error", partial(full, number=errno.EIO, is_for_good=False)
    for route in ROUTES:
        yield f"{route}: interrupted", partial(interrupt_everywhere, route=route, shots=SHORT)
        replaced = partial(enumerate_crashes, route=route, shots=STALE)
        yield f"{route}: dies while a clip is replaced", replaced


def _timed(part: Part, folder: Path) -> tuple[Totals, float]:
    began = time.monotonic()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # generators that Ctrl-C cuts off
    folder.mkdir()
    return part(folder), time.monotonic() - began
