"""What a look over machine, folder and account finds: checks, each with its grade and advice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How a check ended; only `fail` must be mended before a run."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at, what was found, and what to do about it."""

    name: str
    grade: Grade
    found: str
    advice: str = ""


def ok(name: str, found: str) -> Check:
    """Make a check that ended well."""
    return Check(name=name, grade=Grade.OK, found=found)


def warn(name: str, found: str, advice: str) -> Check:
    """Make a check that found what may become a trouble."""
    return Check(name=name, grade=Grade.WARN, found=found, advice=advice)


def fail(name: str, found: str, advice: str) -> Check:
    """Make a check that found what keeps a run from ending well."""
    return Check(name=name, grade=Grade.FAIL, found=found, advice=advice)
