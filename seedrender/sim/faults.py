"""Turns marks in a prompt, and options of the simulator, into the ways a provider fails."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from seedrender.errors import ConfigError

WIRES = ("modellix", "ark")


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

    `takes_code`: a mark may say with which error code, `[sim:refuse=ServerOverloaded]`;
    `takes_status`: with which HTTP status, `[sim:status=409]`; `takes`: a mark has to name a value
    of this form, `[sim:amount=-1]`.
    """

    stage: Stage
    text: str
    is_once: bool = False
    takes_code: bool = False
    takes_status: bool = False
    takes: str = ""
    wires: tuple[str, ...] = WIRES


_FORMS: Mapping[str, re.Pattern[str]] = {
    "NUMBER": re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?"),
    "WORD": re.compile(r"[A-Za-z_-]{1,40}"),
}

FAULTS: Mapping[str, Fault] = {
    "refuse": Fault(
        Stage.SUBMIT, "400: the prompt is refused by content review; no task", takes_code=True
    ),
    "refuse-once": Fault(
        Stage.SUBMIT,
        "as `refuse`, and the next one is not: 429 `ServerOverloaded`, or with the code's status",
        is_once=True,
        takes_code=True,
        wires=("ark",),
    ),
    "face": Fault(Stage.SUBMIT, "400: an image shows a real person; no task", wires=("ark",)),
    "500": Fault(Stage.SUBMIT, "500, and no task was created", is_once=True),
    "503": Fault(Stage.SUBMIT, "503, and no task was created", is_once=True),
    "status": Fault(
        Stage.SUBMIT, "this HTTP status, and no task was created", is_once=True, takes_status=True
    ),
    "refuse-200": Fault(
        Stage.SUBMIT,
        "200, and the code in its envelope is this HTTP status; no task",
        is_once=True,
        takes_status=True,
    ),
    "odd-retry-after": Fault(
        Stage.SUBMIT, "429 whose `Retry-After` and `Date` name no time; no task", is_once=True
    ),
    "502-page": Fault(
        Stage.SUBMIT, "502 with a page of HTML; no task was created", is_once=True, wires=("ark",)
    ),
    "flat-error": Fault(
        Stage.SUBMIT, "500 without the `error` envelope; no task", is_once=True, wires=("ark",)
    ),
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
    "no-task-id": Fault(
        Stage.SUBMIT, "200 without the task's id; the task was created", is_once=True
    ),
    "id-in-500": Fault(
        Stage.SUBMIT, "500, and its body names the task that was created", is_once=True
    ),
    "id-in-code-500": Fault(
        Stage.SUBMIT, "200 with the code 500 and the task that was created", is_once=True
    ),
    "id-number": Fault(Stage.SUBMIT, "the task's id is a whole number"),
    "same-id": Fault(
        Stage.SUBMIT, "the second task of a prompt is answered with the id of the first one"
    ),
    "not-json": Fault(Stage.SUBMIT, "200 with a page of HTML; the task was created", is_once=True),
    "no-credit": Fault(Stage.SUBMIT, "402 (Ark: 403): the balance is used up; no task"),
    "rate-limited": Fault(Stage.SUBMIT, "429: too many requests a minute; no task", is_once=True),
    "concurrent": Fault(Stage.SUBMIT, "429: too many running tasks; no task", is_once=True),
    "queue-full": Fault(
        Stage.SUBMIT, "429: too many tasks wait; no task", is_once=True, wires=("ark",)
    ),
    "fail": Fault(Stage.TASK, "the task fails, with an error object", takes_code=True),
    "fail-plain": Fault(
        Stage.TASK, "the task fails, with a text in the top-level `message` (Ark: without a reason)"
    ),
    "fail-once": Fault(
        Stage.TASK, "the first task of a body fails, the next one does not", is_once=True
    ),
    "fail-half": Fault(Stage.TASK, "the task fails, and half a character stands in its message"),
    "fail-word": Fault(Stage.TASK, "the task fails, and this is the word for it", takes="WORD"),
    "done-word": Fault(Stage.TASK, "the task succeeds, and this is the word for it", takes="WORD"),
    "run-word": Fault(
        Stage.TASK, "this word in place of `processing` (Ark: `running`)", takes="WORD"
    ),
    "refuse-output": Fault(Stage.TASK, "the task fails: content review refuses its sound"),
    "canceled": Fault(Stage.TASK, "the task ends as `canceled` (Ark: `cancelled`)"),
    "overdue": Fault(
        Stage.TASK, "the task runs until its `execution_expires_after`", wires=("ark",)
    ),
    "odd-status": Fault(
        Stage.TASK, "a status that nobody knows, in place of `processing` (Ark: `running`)"
    ),
    "stuck": Fault(Stage.TASK, "the task is processed for ever"),
    "slow": Fault(Stage.TASK, "the task takes ten times as long"),
    "no-billing": Fault(Stage.TASK, "the result does not say what it cost"),
    "billing-beside": Fault(
        Stage.TASK, "`billing` stands beside `data`, not in it", wires=("modellix",)
    ),
    "amount": Fault(
        Stage.TASK, "the result costs this (Ark: this number of tokens)", takes="NUMBER"
    ),
    "no-url": Fault(Stage.TASK, "the task succeeds, and names no clip"),
    "relative-url": Fault(Stage.TASK, "the clip's address names no host"),
    "two-clips": Fault(Stage.TASK, "two clips come of a task that asked for one"),
    "other-container": Fault(Stage.TASK, "the clip is QuickTime, in place of MP4"),
    "other-size": Fault(Stage.TASK, "the clip is half as wide and high as was asked for"),
    "picture": Fault(Stage.TASK, "a picture lies at the clip's address"),
    "no-size": Fault(Stage.TASK, "the result names no size and no length"),
    "two-pictures": Fault(
        Stage.TASK, "two pictures come of a task that asked for one", wires=("modellix",)
    ),
    "poll-500": Fault(Stage.POLL, "the first read of a task answers 500", is_once=True),
    "poll-429": Fault(
        Stage.POLL, "the first read of a task answers 429", is_once=True, wires=("ark",)
    ),
    "poll-status": Fault(
        Stage.POLL,
        "the first read of a task answers this HTTP status",
        is_once=True,
        takes_status=True,
    ),
    "poll-down": Fault(Stage.POLL, "every read of a task answers 503"),
    "poll-lost": Fault(
        Stage.POLL, "the connection breaks at the first read of a task", is_once=True
    ),
    "other-task": Fault(
        Stage.POLL, "the first read of a task is answered with another one", is_once=True
    ),
    "expired": Fault(Stage.POLL, "the finished task is unknown (404): older than 7 days"),
    "truncated": Fault(
        Stage.DOWNLOAD, "the connection breaks half-way through a download", is_once=True
    ),
    "short": Fault(Stage.DOWNLOAD, "the first download is a file that was cut short", is_once=True),
    "garbage": Fault(
        Stage.DOWNLOAD, "the first download is of the right length, and no clip", is_once=True
    ),
    "403-output": Fault(Stage.DOWNLOAD, "the result's address answers 403: its time is over"),
    "404-output": Fault(Stage.DOWNLOAD, "the result's address answers 404"),
    "410-output": Fault(Stage.DOWNLOAD, "the result's address answers 410: it is gone"),
    "encoded": Fault(Stage.DOWNLOAD, "the clip comes with this `Content-Encoding`", takes="WORD"),
    "crawling": Fault(Stage.DOWNLOAD, "a download brings five bytes a second"),
    "endless": Fault(Stage.DOWNLOAD, "a download does not end"),
    "download-503": Fault(Stage.DOWNLOAD, "the first download answers 503", is_once=True),
}

_MARK = re.compile(r"\[sim:([^\]\s]{1,90})\]")
_STATUS = re.compile(r"[3-5][0-9]{2}")
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


def base(name: str) -> str:
    """Return a fault's name without the code that a mark gives it."""
    return name.partition("=")[0]


def code(name: str, present: tuple[str, ...]) -> str | None:
    """Return the code, or whatever else, that a mark gives a fault."""
    found = (mark.partition("=")[2] for mark in present if base(mark) == name)
    return next(filter(None, found), None)


def status(name: str, present: tuple[str, ...]) -> int:
    """Return the HTTP status that a mark gives a fault; 500 where it gives none."""
    return int(code(name, present) or "500")


def number(name: str, present: tuple[str, ...]) -> int | float | None:
    """Return the number that a mark gives a fault, as JSON reads it."""
    found = code(name, present)
    return None if found is None else json.loads(found)


def unknown(present: tuple[str, ...], wire: str) -> str | None:
    """Return the first name that a wire has no fault for."""
    return next((name for name in present if not _is_known(name, wire)), None)


def _is_known(name: str, wire: str) -> bool:
    fault, given = FAULTS.get(base(name)), name.partition("=")[2]
    if fault is None or wire not in fault.wires:
        return False
    if fault.takes:
        return _FORMS[fault.takes].fullmatch(given) is not None
    if fault.takes_status:
        return "=" not in name or _STATUS.fullmatch(given) is not None
    return "=" not in name or fault.takes_code


def unmarked(prompt: str) -> str:
    """Return the prompt without its marks, as a caption shows it."""
    return " ".join(_MARK.sub("", prompt).split())


def drawn(shares: Mapping[str, float], seed: int, number: int, wire: str) -> tuple[str, ...]:
    """Return the faults that befall the submit of this number; equal seeds draw alike."""
    rng = random.Random(f"{seed}:{number}:faults")  # noqa: S311 -- a simulation
    return tuple(
        name
        for name, share in sorted(shares.items())
        if rng.random() < share and wire in FAULTS[name].wires
    )


def delay_factor(names: tuple[str, ...]) -> float:
    """Return by how much a render takes longer."""
    return _SLOWER if "slow" in names else 1.0
