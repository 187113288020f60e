"""Turns a prompt into the terms of film language that it speaks of, and where they meet."""

# ruff: noqa: RUF001 - prompts are written in several scripts

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seedrender.source.vocabulary import Opposites, vocabulary

_IGNORED = "ignored"
_FRAMING = "SR101"

_QUOTED = re.compile(
    r"\"[^\"\n]{0,400}\"|“[^”\n]{0,400}”|„[^“”\n]{0,400}[“”]|«[^»\n]{0,400}»|「[^」\n]{0,400}」"
    r"|『[^』\n]{0,400}』|‘[^’\n]{0,200}’(?!\w)"
    r"|(?<!\w)'[^'\n]{3,200}'(?!\w)|\{\{[^{}\n]{0,200}\}\}"
)
_MAY_QUOTE = re.compile(r"[\"'“„«「『‘{]")
_PICTURED = re.compile(
    r"\b(?:photo(?:graph)?s?|pictures?|paintings?|posters?|postcards?|murals?|foto|gemälde) "
    r"(?:of|von)\b[^,.;:!?\n]*"
)
_DENIED = re.compile(
    r"(?:\b(?:no|not|never|without|avoid(?:s|ing)?|instead of|rather than|don[’']t|do not|nothing"
    r"|dream(?:s|ing)? of|imagin(?:es|ing)|remember(?:s|ing)?|reminiscent of|as if|as though|like"
    r"|ohne|nicht|keine?[nrms]?|statt|pas de|sans|sin|senza|sem|zonder)\b"
    r"(?:(?!\b(?:but|sondern)\b)[^,.;:!?\n])*"
    r"|(?:没有|不要|不用|无(?!人机)|避免|并非|不是|禁止)[^,.;，。；：！？\n]{0,6})\Z"
)
_MAY_DENY = (
    *("no ", "not ", "nothing", "never", "without", "avoid", "instead of", "rather than", "don"),
    *("dream", "imagin", "remember", "reminiscent", "as if", "as though", "like "),
    *("ohne", "nicht", "kein", "statt", "pas ", "sans", "sin ", "senza", "sem ", "zonder"),
)
_MAY_SHOW = ("tv", "screen", "monitor", "television", "billboard", "post", "photo", "painting")
_ON_A_SCREEN = re.compile(
    r"[^,.;:!?\n]{0,40}\b(?:on|in)\b(?: [\w’']+){0,3} "
    r"(?:tv|television|screen|monitor|billboard|poster|postcard|photo|photograph|painting)\b"
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|\Z)|[。！？；;]|\n[ \t]*\n|\n(?=[ \t]*(?:[-*•]|\d+[.)]) )")
_NEW_MOMENT = re.compile(
    r"(?:\b(?:shot|scene|cut|part|beat|version|clip|einstellung|aufnahme|szene)[ #]*\d+"
    r"[ ]*[:.)\-–—]|\(\d\)|(?:镜头|鏡頭|场景|場景|分镜|版本)[ ]*[\d一二三四五六七八九十]+[ ]*[:：]"
    r"|[\[(]?\b\d+(?:[:.]\d+)*[ ]?(?:s|sec|sek|seconds|秒)?[ ]?[-–—~～][ ]?"
    r"\d+(?:[:.]\d+)*[ ]?(?:s\b|sec|sek|second|秒|\]|:))"
)
_OWN_SUBJECT = re.compile(r"[ ]?(?:of|on|as|from|von|auf)\b|[ ]?[:：—–]")
_SPEECH = re.compile(
    r"\b(?:says?|said|saying|shouts?|whispers?|asks?|replies|answers|yells?|murmurs?|announces?"
    r"|sings?|sagt|ruft|flüstert|fragt|antwortet)\b[^.!?;\"“„\n]{0,40}[\"“„]"
    r"|[说喊问唱]道?[：:，,]?[ ]?[“\"「]"
)
_WRITING = re.compile(
    r"\b(?:sign|poster|billboard|screen|subtitles?|captions?|label|headline|text|banner|letter|note"
    r"|title|board|sticker|t-shirt|plaque|neon|schild|plakat)\b[^.!?\n]{0,60}\Z"
)


@dataclass(frozen=True, slots=True)
class Term:
    """A word of film language in a prompt."""

    name: str  # "close-up"
    text: str  # as the author wrote it, in lower case: "extreme close up"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt as the rules see it."""

    prompt: str
    text: str  # lower case; quoted words, pictured things and placeholders are blanked
    terms: tuple[Term, ...]  # without those that are denied, dreamt of or shown on a screen
    names: frozenset[str]  # of the terms
    is_spoken: bool  # somebody says quoted words

    def first(self, name: str) -> Term | None:
        """Return the first mention of a term."""
        return next((term for term in self.terms if term.name == name), None)


def read(prompt: str) -> Reading:
    """Find the terms that a prompt means of its own picture."""
    folded = prompt.casefold()
    text = _blanked(folded)
    found = _mentions(text)
    terms = tuple(_meant(text, _longest(found)))
    return Reading(prompt, text, terms, frozenset(t.name for t in terms), _is_spoken(folded))


def _mentions(text: str) -> list[Term]:
    known = vocabulary()
    starts = [match.start() for match in known.latin.finditer(f" {text}")]
    if not text.isascii():
        starts += [match.start() for match in known.chinese.finditer(text)]
        starts.sort()
    found = []
    ignored = 0
    for start in starts:
        match = known.terms[text[start]].match(text, start)
        assert match is not None, "a term starts here"
        assert match.lastgroup is not None, "every branch is a group"
        name, starts_clause = known.groups[match.lastgroup]
        if name == _IGNORED:
            ignored = max(ignored, match.end())
        elif start >= ignored and (not starts_clause or _starts_clause(text, start)):
            found.append(Term(name, match.group(), start, match.end()))
    return found


def meeting(reading: Reading, pair: Opposites) -> tuple[Term, Term] | None:
    """Return two terms that exclude each other and describe the same moment."""
    if reading.names.isdisjoint(pair.one) or reading.names.isdisjoint(pair.other):
        return None
    if vocabulary().parallel.search(reading.text):
        return None
    of_one: Term | None = None
    of_other: Term | None = None
    block = -1
    for number, term in _moments(reading, pair.rule):
        if number != block:
            block, of_one, of_other = number, None, None
        if term.name in pair.one:
            of_one = of_one or term
        elif term.name in pair.other:
            of_other = of_other or term
        if of_one and of_other:
            return (of_one, of_other) if of_one.start < of_other.start else (of_other, of_one)
    return None


def _moments(reading: Reading, rule: str) -> Iterator[tuple[int, Term]]:
    """Yield each term with the number of its moment; a sentence that tells a change has none."""
    text = reading.text
    change = vocabulary().framing if rule == _FRAMING else vocabulary().change
    pending = list(reading.terms)
    moment = 0
    for start, end in _pieces(text):
        inside = [term for term in pending if start <= term.start < end]
        pending = pending[len(inside) :]
        tells_change = change.search(text, start, end) is not None
        if tells_change or _NEW_MOMENT.match(text, start) or _is_heading(text, start, inside, rule):
            moment += 1
        if tells_change:
            moment += 1
            continue
        for term in inside:
            yield moment, term


def _is_heading(text: str, start: int, inside: list[Term], rule: str) -> bool:
    """Return whether a sentence sets up a picture of its own, as `Close-up of the bell.` does."""
    if rule != _FRAMING or not inside:
        return False
    first = inside[0]
    lead = text[start : first.start].strip().removeprefix("a ").removeprefix("an ")
    return lead in ("", "a", "an") and _OWN_SUBJECT.match(text, first.end) is not None


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield the sentences; a numbered shot or a time span starts one, too."""
    cuts = {match.end() for match in _SENTENCE_END.finditer(text)}
    cuts |= {match.start() for match in _NEW_MOMENT.finditer(text)}
    start = 0
    for cut in sorted(cuts | {len(text)}):
        first = start
        while first < cut and text[first].isspace():
            first += 1
        if first < cut:
            yield first, cut
        start = cut


def _longest(found: Iterable[Term]) -> Iterator[Term]:
    """Leave out a term inside a longer mention of the same one."""
    last: Term | None = None
    for term in found:
        if last is None or term.name != last.name or term.end > last.end:
            yield term
            last = term


def _meant(text: str, terms: Iterable[Term]) -> Iterator[Term]:
    """Leave out what is denied or dreamt of, and what a screen in the picture shows."""
    may_deny = not text.isascii() or any(map(text.__contains__, _MAY_DENY))
    may_show = any(map(text.__contains__, _MAY_SHOW))
    for term in terms:
        before = text[max(0, term.start - 60) : term.start]
        if may_deny and _DENIED.search(before):
            continue
        if text[term.end : term.end + 1] in ("?", "？"):  # a question; its answer comes next
            continue
        if may_show and _ON_A_SCREEN.match(text, term.end):
            continue
        yield term


def _is_spoken(text: str) -> bool:
    if not any(mark in text for mark in '"“„「'):
        return False
    return any(
        not _WRITING.search(text[max(0, match.start() - 50) : match.end() - 1])
        for match in _SPEECH.finditer(text)
    )


def _blanked(text: str) -> str:
    own = _QUOTED.sub(_blank, text) if _MAY_QUOTE.search(text) else text
    return _PICTURED.sub(_blank, own) if " of " in own or " von " in own else own


def _blank(match: re.Match[str]) -> str:
    return "_" * (match.end() - match.start())


def _starts_clause(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t")
    return not before or before[-1] in ".,;:!?\n，。；：！？—–"
