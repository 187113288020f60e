"""Finds what a prompt gets wrong by itself: each rule sees one text, and each text once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seedrender.errors import Severity
from seedrender.source.phrases import Reading, meeting
from seedrender.source.vocabulary import vocabulary

_MAX_WORDS = 1000
_MAX_CHINESE = 500
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")

_RELATIVE = re.compile(
    r"\b(?:(?:as|like|from|in|of|than) (?:in |on )?the (?:previous|last"
    r"|prior|preceding|earlier|other) (?:shot|scene|clip|video|segment|prompt|take)\b"
    r"|the (?:previous|preceding) (?:shot|scene|clip|video|segment|prompt)\b"
    r"|(?:same|just|exactly|again) as (?:before|previously|earlier)(?=\s*(?:[.,;:!?\n)]|\Z))"
    r"|as before(?=\s*(?:[.,;:!?\n)]|\Z))"
    r"|same as (?:the )?(?:previous|last)\b|again the same\b"
    r"|wie (?:in der |im )?(?:vorigen|letzten|vorherigen) (?:einstellung|szene|clip|video)"
    r"|wie (?:zuvor|vorher|eben)(?=\s*(?:[.,;:!?\n)]|\Z)))"
    r"|[和跟与同]?(?:上一个|前一个|上个)(?:镜头|场景|画面|视频|片段)|[和跟与同](?:之前|前面)(?:一样|相同)"
)
_MAY_RELATE = (
    *("before", "previous", "last ", "prior", "preceding", "earlier", "other", "again", "wie "),
    *("上个", "上一个", "前一个", "之前", "前面"),
)
_PREVIOUS = re.compile(r"\{\{ *previous *\}\}")

_FLAG = re.compile(r"(?<!\S)--([a-z]\w*)(?:(?: +|=)(?!--)(\S+))?")
_TAIL = re.compile(r"(?:(?<!\S)--[a-z]\w*(?:(?: +|=)(?!--)\S+)?\s*)+\Z")
# {name}, {ref.name}, ${name}, $(name), %(name)s, @name; typed numbers of references are SR111's
_UNFILLED = re.compile(
    r"(?<!\{)\{ *[A-Za-z_][\w.-]* *\}(?!\})|\$\{[^{}]{0,80}\}|\$\([\w.]+\)|%\([\w.]+\)s"
    r"|(?<![\w.@/])@(?!(?i:image|video|audio|img|图片|视频|音频)[ _]?\d)[A-Za-z_][\w-]*"
)
_ARK_FLAGS = frozenset(
    {"rs", "resolution", "rt", "ratio", "dur", "duration", "seed"}
    | {"cf", "camerafixed", "wm", "watermark"}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found in a job, before it has a place."""

    rule: str
    message: str
    hint: str
    field: str = "prompt"
    severity: Severity = Severity.WARNING


PromptRule = Callable[[Reading], Iterator[Finding]]

_HINTS = {
    "SR101": "keep one shot size, or say the move: 'starts wide and pushes in to a close-up'",
    "SR103": "keep one lens",
    "SR104": "keep one kind of light, or say how it changes",
    "SR105": "keep one time of day, or say how it changes",
    "SR106": "keep the camera still or moving, or say which comes first",
    "SR108": "keep one kind of weather, or say how it changes",
}


def contradictions(reading: Reading) -> Iterator[Finding]:
    """SR101, SR103 to SR106, SR108: find terms that exclude each other within one moment."""
    if len(reading.names) < 2:  # noqa: PLR2004 - it takes two
        return
    done: set[str] = set()
    for pair in vocabulary().opposites:
        if pair.rule in done:
            continue
        met = meeting(reading, pair)
        if met is not None:
            done.add(pair.rule)
            message = f"'{met[0].text}' and '{met[1].text}' exclude each other"
            yield Finding(pair.rule, message, _HINTS[pair.rule])


def length(reading: Reading) -> Iterator[Finding]:
    """SR110: find a prompt beyond Ark's advice."""
    prompt = reading.prompt
    if len(prompt) <= _MAX_CHINESE:
        return
    hint = "say less, or make it a chain of segments"
    chinese = 0 if prompt.isascii() else len(_CHINESE.findall(prompt))
    if chinese > _MAX_CHINESE:
        what = f"the prompt has {chinese} Chinese characters, and {_MAX_CHINESE} are advised"
        yield Finding("SR110", what, hint)
    elif (words := len(prompt.split())) > _MAX_WORDS:
        what = f"the prompt has {words} words, and {_MAX_WORDS} are advised"
        yield Finding("SR110", what, hint)


def relative_words(reading: Reading) -> Iterator[Finding]:
    """SR114: find words that only a reader of the other prompts understands."""
    text = reading.text
    if not any(map(text.__contains__, _MAY_RELATE)):
        return
    found = _RELATIVE.search(text)
    if found is None or _PREVIOUS.search(reading.prompt):
        return
    message = f"'{found.group()}' refers to another prompt, which the model does not see"
    yield Finding("SR114", message, "describe it again, or continue the clip in a chain")


def flags(reading: Reading) -> Iterator[Finding]:
    """SR117: find parameters in the text that change the paid job."""
    text = reading.prompt.casefold()
    if "--" not in text:
        return
    tail = _TAIL.search(text)
    for found in _FLAG.finditer(text):
        name, value = found.groups()
        if name in _ARK_FLAGS and value is not None:
            message = f"the model's maker reads '--{name}' as a setting that overrides yours"
            hint = "take it out of the prompt and set the field"
            yield Finding("SR117", message, hint, severity=Severity.ERROR)
        elif tail is not None and found.start() >= tail.start():
            message = f"'--{name}' is no setting here"
            yield Finding("SR117", message, "take it out of the prompt")


def placeholders(reading: Reading) -> Iterator[Finding]:
    """SR122: find what other tools would fill in, and what quotes nothing for YAML."""
    prompt = reading.prompt
    if prompt[:1] in "“”„«" and prompt[-1:] in "“”»":
        message = f"the curly quotes around the prompt ({prompt[0]} {prompt[-1]}) are part of it"
        yield Finding("SR122", message, "write straight ones, or none")
    found = _UNFILLED.search(prompt)
    if found is not None:
        message = f"'{found.group()}' reaches the model as it is"
        yield Finding("SR122", message, "write {{ NAME }}, or {{ ref.NAME }} for a reference")


PROMPT_RULES: tuple[PromptRule, ...] = (
    *(contradictions, length, relative_words, flags, placeholders),
)
