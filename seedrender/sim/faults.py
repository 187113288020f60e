"""Turns marks in a prompt, and options of the simulator, into the ways in which a provider fails."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from seedrender.errors import ConfigError


class Stage(StrEnum):
    """Where a fault strikes."""

    SUBMIT = "submit"
    TASK = "task"
    POLL = "poll"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. `is_once`: a second attempt at the same thing succeeds."""

    stage: Stage
    is_once: bool
    text: str


FAULTS: Mapping[str, Fault] = {
    "refuse": Fault(Stage.SUBMIT, False, "400: the prompt is refused by content review; no task"),
    "500": Fault(Stage.SUBMIT, True, "500, and no task was created"),
    "503": Fault(Stage.SUBMIT, True, "503, and no task was created"),
    "500-created": Fault(Stage.SUBMIT, True, "500, although the task was created"),
    "lost-request": Fault(Stage.SUBMIT, True, "the connection breaks before a task is created"),
    "lost-answer": Fault(Stage.SUBMIT, True, "the connection breaks after the task was created"),
    "late-answer": Fault(Stage.SUBMIT, True, "the task is created, its answer comes 10 minutes later"),
    "no-task-id": Fault(Stage.SUBMIT, True, "200 without `task_id`; the task was created"),
    "not-json": Fault(Stage.SUBMIT, True, "200 with a page of HTML; the task was created"),
    "no-credit": Fault(Stage.SUBMIT, False, "402: the balance is used up; no task"),
    "rate-limited": Fault(Stage.SUBMIT, True, "429: too many requests a minute; no task"),
    "concurrent": Fault(Stage.SUBMIT, True, "429: too many running tasks; no task"),
    "fail": Fault(Stage.TASK, False, "the task fails, with `data.error`"),
    "fail-plain": Fault(Stage.TASK, False, "the task fails, with a text in the top-level `message`"),
    "fail-once": Fault(Stage.TASK, True, "the first task of a body fails, the next one does not"),
    "refuse-output": Fault(Stage.TASK, False, "the task fails: its sound is refused by content review"),
    "canceled": Fault(Stage.TASK, False, "the task ends as `canceled`"),
    "odd-status": Fault(Stage.TASK, False, "a status nobody has seen before, in place of `processing`"),
    "stuck": Fault(Stage.TASK, False, "the task is processed for ever"),
    "slow": Fault(Stage.TASK, False, "the task takes ten times as long"),
    "no-billing": Fault(Stage.TASK, False, "the result does not say what it cost"),
    "billing-beside": Fault(Stage.TASK, False, "`billing` stands beside `data`, not in it"),
    "no-size": Fault(Stage.TASK, False, "the result names no size and no length"),
    "poll-500": Fault(Stage.POLL, True, "the first read of a task answers 500"),
    "poll-lost": Fault(Stage.POLL, True, "the connection breaks at the first read of a task"),
    "expired": Fault(Stage.POLL, False, "the finished task is unknown (404): older than 7 days"),
    "truncated": Fault(Stage.DOWNLOAD, True, "the connection breaks half-way through the first download"),
    "short": Fault(Stage.DOWNLOAD, True, "the first download is a file cut short, of a matching length"),
    "garbage": Fault(Stage.DOWNLOAD, True, "the first download has the right length and is no clip"),
    "404-output": Fault(Stage.DOWNLOAD, False, "the result's address answers 404"),
    "download-503": Fault(Stage.DOWNLOAD, True, "the first download answers 503"),
}  # fmt: skip

_MARK = re.compile(r"\[sim:([^\]\s]{1,40})\]")
_SLOWER = 10.0


def check(names: Mapping[str, float]) -> None:
    """Refuse faults that do not exist.

    Raises:
        ConfigError: one of them is unknown.
    """
    unknown = sorted(set(names) - set(FAULTS))
    if unknown:
        raise ConfigError(
            f"the simulator knows no fault {unknown[0]!r}; it has {', '.join(FAULTS)}"
        )


def marked(prompt: str) -> tuple[str, ...]:
    """Return the names marked in a prompt, `[sim:NAME]`, known or not."""
    return tuple(dict.fromkeys(_MARK.findall(prompt)))


def unmarked(prompt: str) -> str:
    """Return the prompt without its marks, as a caption shows it."""
    return " ".join(_MARK.sub("", prompt).split())


def drawn(shares: Mapping[str, float], seed: int, number: int) -> tuple[str, ...]:
    """Return the faults that befall the submit of this number; equal seeds draw alike."""
    rng = random.Random(f"{seed}:{number}:faults")  # noqa: S311 -- a simulation
    return tuple(name for name, share in sorted(shares.items()) if rng.random() < share)


def delay_factor(names: tuple[str, ...]) -> float:
    """Return by how much a render takes longer."""
    return _SLOWER if "slow" in names else 1.0
