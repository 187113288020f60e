"""Turns marks in a prompt, and options of the simulator, into the ways a provider fails."""

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
    """One way to fail.

    `is_once`: it strikes once, so a second attempt succeeds; at a submit that is the next one with
    the same body, later the next request for the same task.
    """

    stage: Stage
    text: str
    is_once: bool = False


FAULTS: Mapping[str, Fault] = {
    "refuse": Fault(Stage.SUBMIT, "400: the prompt is refused by content review; no task"),
    "500": Fault(Stage.SUBMIT, "500, and no task was created", is_once=True),
    "503": Fault(Stage.SUBMIT, "503, and no task was created", is_once=True),
    "500-created": Fault(Stage.SUBMIT, "500, although the task was created", is_once=True),
    "lost-request": Fault(
        Stage.SUBMIT, "the connection breaks before a task is created", is_once=True
    ),
    "lost-answer": Fault(
        Stage.SUBMIT, "the connection breaks after the task was created", is_once=True
    ),
    "late-answer": Fault(
        Stage.SUBMIT, "the task is created; its answer comes after 10 minutes", is_once=True
    ),
    "no-task-id": Fault(Stage.SUBMIT, "200 without `task_id`; the task was created", is_once=True),
    "not-json": Fault(Stage.SUBMIT, "200 with a page of HTML; the task was created", is_once=True),
    "no-credit": Fault(Stage.SUBMIT, "402: the balance is used up; no task"),
    "rate-limited": Fault(Stage.SUBMIT, "429: too many requests a minute; no task", is_once=True),
    "concurrent": Fault(Stage.SUBMIT, "429: too many running tasks; no task", is_once=True),
    "fail": Fault(Stage.TASK, "the task fails, with `data.error`"),
    "fail-plain": Fault(Stage.TASK, "the task fails, with a text in the top-level `message`"),
    "fail-once": Fault(
        Stage.TASK, "the first task of a body fails, the next one does not", is_once=True
    ),
    "refuse-output": Fault(Stage.TASK, "the task fails: content review refuses its sound"),
    "canceled": Fault(Stage.TASK, "the task ends as `canceled`"),
    "odd-status": Fault(Stage.TASK, "a status that nobody knows, in place of `processing`"),
    "stuck": Fault(Stage.TASK, "the task is processed for ever"),
    "slow": Fault(Stage.TASK, "the task takes ten times as long"),
    "no-billing": Fault(Stage.TASK, "the result does not say what it cost"),
    "billing-beside": Fault(Stage.TASK, "`billing` stands beside `data`, not in it"),
    "no-size": Fault(Stage.TASK, "the result names no size and no length"),
    "poll-500": Fault(Stage.POLL, "the first read of a task answers 500", is_once=True),
    "poll-lost": Fault(
        Stage.POLL, "the connection breaks at the first read of a task", is_once=True
    ),
    "expired": Fault(Stage.POLL, "the finished task is unknown (404): older than 7 days"),
    "truncated": Fault(
        Stage.DOWNLOAD, "the connection breaks half-way through a download", is_once=True
    ),
    "short": Fault(Stage.DOWNLOAD, "the first download is a file that was cut short", is_once=True),
    "garbage": Fault(
        Stage.DOWNLOAD, "the first download is of the right length, and no clip", is_once=True
    ),
    "404-output": Fault(Stage.DOWNLOAD, "the result's address answers 404"),
    "download-503": Fault(Stage.DOWNLOAD, "the first download answers 503", is_once=True),
}

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
