"""Reads the words of film language, and compiles them so that a prompt is skimmed once."""

# ruff: noqa: RUF001 - prompts are written in several scripts

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Opposites:
    """Two sets of terms that exclude each other within one moment."""

    rule: str
    one: frozenset[str]
    other: frozenset[str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The data file, compiled."""

    latin: re.Pattern[str]  # matches the character before a term, in a text that starts with one
    chinese: re.Pattern[str]  # matches the first character of a term
    terms: Mapping[
        str, re.Pattern[str]
    ]  # by its first letter: matches a term; the group tells which
    groups: Mapping[str, tuple[str, bool]]  # group → term, and whether it must start a clause
    opposites: tuple[Opposites, ...]
    change: re.Pattern[str]
    framing: re.Pattern[str]
    parallel: re.Pattern[str]


@cache
def vocabulary() -> Vocabulary:
    """Return the terms and their opposites."""
    place = files("seedrender.catalog").joinpath("data", "contradictions.toml")
    data = tomllib.loads(place.read_text("utf-8"))
    phrases = [(t["name"], words.casefold()) for t in data["term"] for words in t["words"]]
    terms, groups = _compile_terms(phrases)
    latin, chinese = _compile_starts(phrases)
    moments = data["moments"]
    return Vocabulary(
        latin=latin,
        chinese=chinese,
        terms=terms,
        groups=groups,
        opposites=tuple(
            Opposites(row["rule"], frozenset(row["one"]), frozenset(row["other"]))
            for row in data["opposites"]
        ),
        change=_compile_words(moments["change"]),
        framing=_compile_words([*moments["change"], *moments["framing"]]),
        parallel=_compile_words(moments["parallel"]),
    )


def _compile_terms(
    phrases: Iterable[tuple[str, str]],
) -> tuple[dict[str, re.Pattern[str]], dict[str, tuple[str, bool]]]:
    """Build the patterns that tell which term a text starts with."""
    groups: dict[str, tuple[str, bool]] = {}
    letters: dict[str, list[str]] = {}
    for name, words in phrases:
        for variant in _variants(words.removeprefix("^")):
            group = f"g{len(groups)}"
            groups[group] = (name, words[0] == "^")
            letters.setdefault(variant[0], []).append(f"(?P<{group}>{_pattern(variant)})")
    return {letter: re.compile("|".join(found)) for letter, found in letters.items()}, groups


def _compile_starts(phrases: Iterable[tuple[str, str]]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Build patterns that skim a text for terms: sorted by first letter, so that few are tried."""
    latin: dict[str, list[str]] = {}
    chinese: dict[str, list[str]] = {}
    for _, words in phrases:
        for variant in _variants(words.removeprefix("^")):
            letters = chinese if _is_chinese(variant[0]) else latin
            tail = _pattern(variant).removeprefix(re.escape(variant[0]))
            letters.setdefault(variant[0], []).append(tail)
    first = "|".join(f"{re.escape(letter)}(?:{'|'.join(t)})" for letter, t in latin.items())
    second = "|".join(f"{re.escape(letter)}(?={'|'.join(t)})" for letter, t in chinese.items())
    return re.compile(rf"\W(?={first})"), re.compile(second)


def _compile_words(phrases: list[str]) -> re.Pattern[str]:
    patterns = [_pattern(words) for words in phrases]
    bounded = [p if _is_chinese(p[0]) else rf"(?<!\w){p}" for p in patterns]
    return re.compile("|".join(bounded))


def _variants(words: str) -> Iterator[str]:
    """Write out a choice at the start of a phrase, so that each variant starts with a letter."""
    if words[0] not in "[(":
        yield words
        return
    close = words.index("]" if words[0] == "[" else ")")
    choices = words[1:close].split("|")
    if words[0] == "[":
        choices.append("")
    for choice in choices:
        yield from _variants(f"{choice}{words[close + 1 :]}")


def _pattern(words: str) -> str:
    """Return the regular expression of a phrase of the data file."""
    is_chinese = _is_chinese(words.lstrip("^[(")[0])
    gap = r"[^,.;，。；：！？\s]{0,6}?" if is_chinese else r"(?:\s+[\w’'-]+){0,3}?\s+"
    meant = {"[": "(?:", "]": ")?", "(": "(?:", "-": r"[\s-]?", " ": r"\s+", "…": gap}
    bare = words.removeprefix("^").removesuffix("$").replace(" … ", "…")
    body = "".join(meant.get(c, c if c in "|)" else re.escape(c)) for c in bare)
    if words.endswith("$"):
        return body + r"(?=\s*(?:[.,;:!?\n，。；]|\Z))"
    return body if is_chinese else body + r"(?!\w)"


def _is_chinese(letter: str) -> bool:
    return letter >= "\u2e80"
