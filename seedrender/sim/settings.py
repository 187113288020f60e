"""What a simulator can be told when it is started."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimSettings:
    """One account at a simulated provider. All seconds are the simulator's own."""

    speed: float = 60.0  # seconds that pass here in one of ours
    seed: int = 0  # draws ids, times and pictures
    key: str | None = None  # None: any key will do
    concurrency: int = 100  # tasks in flight
    requests_per_minute: int = 1000
    balance: Decimal | None = None  # None: never used up
    folder: Path | None = None  # None: forgotten at the end
    median_s: float = 60.0  # how long half of the renders take
    retention_s: float = 7 * DAY_S  # how long tasks, results and uploads are kept
    long_poll_s: float = 30.0  # how long `wait=true` holds an answer
    uploads: int = 10  # files kept at once
    upload_bytes: int = 16 * 2**20
    parallel_uploads: int = 2
    footage: Literal["loop", "patched"] = "loop"  # "patched": one clip for all, for load tests
    ark_concurrency: int = 10  # tasks running at once, of a key and model; more of them wait
    ark_queue: int = 120  # tasks waiting, of a key and model
    ark_creates_per_minute: int = 600  # of a key and model
    has_ark_rates: bool = True  # 20 reads, 1 list and 20 deletions a second
    link_s: float = DAY_S  # how long an address of an Ark result is good
    canceled_s: float = DAY_S  # how long a cancelled Ark task is kept
    faults: Mapping[str, float] = field(default_factory=dict)  # name → share of tasks it befalls
    has_retry_after: bool = False  # whether 429 says how long to wait
    wall: Callable[[], float] = time.time
