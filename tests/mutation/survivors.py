"""Turns mutmut's results into faults and their fates, and holds them against the explanations."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KILLED = {1, 3, 36, 24, 152, 255, -24}  # by a test, or by the time limit
_FATES = {0: "survived", 5: "no test", 33: "no test", None: "not tried"}
_PACKAGE = "seedrender."


@dataclass(frozen=True, slots=True)
class Change:
    """A fault: what stands in the code, and what was planted in its place."""

    where: str  # module, class and function
    was: str
    now: str

    @property
    def module(self) -> str:
        """Return the module, as `lock.fold`."""
        return ".".join(self.where.split(".")[:2])


@dataclass(frozen=True, slots=True)
class Mutant(Change):
    """A fault that was planted, and what became of it."""

    name: str  # mutmut's
    fate: str  # "killed", or how it survived

    @property
    def change(self) -> Change:
        """Return the fault alone."""
        return Change(self.where, self.was, self.now)


@dataclass(frozen=True, slots=True)
class Survivors:
    """Faults that no test finds."""

    explained: Sequence[Mutant]
    unexplained: Sequence[Mutant]
    gone: Sequence[Change]  # that are explained, but not there


def loads(text: str) -> list[Change]:
    """Read the explanations: groups of faults, each with the reason why nobody can see them."""
    found = []
    for group in tomllib.loads(text).get("survivors", []):
        assert group["why"].strip(), "a survivor is explained"
        found += [Change(*row) for row in group["mutants"]]
    return found


def compare(mutants: Collection[Mutant], explained: Collection[Change]) -> Survivors:
    """Part the survivors into those that are explained and the others."""
    alive = [mutant for mutant in mutants if mutant.fate != "killed"]
    known = set(explained)
    return Survivors(
        explained=[mutant for mutant in alive if mutant.change in known],
        unexplained=[mutant for mutant in alive if mutant.change not in known],
        gone=sorted(known - {mutant.change for mutant in alive}, key=str),
    )


def table(mutants: Collection[Mutant], found: Survivors) -> Iterator[str]:
    """Yield a row for each module and their sum."""
    columns = {
        "planted": Counter(m.module for m in mutants),
        "killed": Counter(m.module for m in mutants if m.fate == "killed"),
        "explained": Counter(m.module for m in found.explained),
        "unexplained": Counter(m.module for m in found.unexplained),
    }
    yield f"{'':18}" + "".join(f"{name:>12}" for name in columns)
    for module in sorted(columns["planted"]):
        yield f"{module:18}" + "".join(f"{column[module]:12}" for column in columns.values())
    yield f"{'all':18}" + "".join(f"{column.total():12}" for column in columns.values())


def read(folder: Path) -> list[Mutant]:
    """Read what mutmut wrote."""
    return [
        mutant
        for path in sorted(folder.rglob("*.py.meta"))
        for mutant in _of_module(path.with_suffix(""))
    ]


def _of_module(path: Path) -> Iterator[Mutant]:
    fates = _json(path.with_suffix(".py.meta"))["exit_code_by_key"]
    if not fates:
        return
    spans, lines = (
        _json(path.with_suffix(".py.spans"))["spans"],
        path.read_text("utf-8").split("\n"),
    )
    for name, code in fates.items():
        module, _, function = name.rpartition(".")
        stem = function.partition("__mutmut_")[0]
        was, now = _difference(
            *(
                [row.replace(key, stem) for row in lines[spans[key][0] - 1 : spans[key][1]]]
                for key in (f"{stem}__mutmut_orig", function)
            )
        )
        yield Mutant(
            where=f"{module.removeprefix(_PACKAGE)}.{_readable(stem)}",
            was=was,
            now=now,
            name=name,
            fate="killed" if code in _KILLED else _FATES.get(code, f"exit code {code}"),
        )


def _readable(stem: str) -> str:
    return stem.removeprefix("x").removeprefix("_").strip("ǁ").replace("ǁ", ".")


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    rows = list(difflib.ndiff(before, after))
    was, now = (
        " ".join(row[2:].strip() for row in rows if row.startswith(sign)) for sign in ("- ", "+ ")
    )
    return was, now


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found
