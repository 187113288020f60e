"""Turns a manifest and its jobs into what would waste money although every provider takes it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from seedrender.errors import Origin, Severity, Violation
from seedrender.source.lint_prompt import PROMPT_RULES, Finding
from seedrender.source.phrases import Reading, Term, read
from seedrender.source.rules import RULES, Rule
from seedrender.values.job import Job, MediaKind, Role, Tier
from seedrender.values.manifest import Manifest
from seedrender.values.signed_url import is_signed

__all__ = ["RULES", "Place", "Rule", "lint"]

Place = Callable[[tuple[str, ...]], Origin]
JobRule = Callable[[Job, Reading], Iterator[Finding]]

_REMEMBERED = 2_000  # prompts: those of takes and axes stand close to each other
_FINAL = frozenset({"final", "master", "release", "delivery"})
_NAMED = re.compile(r"\{\{ *ref\.([A-Za-z0-9][A-Za-z0-9._-]*) *\}\}")
_TYPED = re.compile(
    r"\[\s*(?P<a>image|video|audio|图片|视频|音频|bild)\s*(?P<an>\d{1,3})\s*\]"
    r"|@(?P<b>image|video|audio|img|图片|视频|音频)[ _]?(?P<bn>\d{1,3})\b"
    r"|<<<\s*(?P<c>image|video|audio)[ _]?(?P<cn>\d{1,3})\s*>>>"
    r"|\b(?P<d>image|video|audio) (?P<dn>\d{1,3})\b(?! \w+s\b)|(?P<e>图片|视频|音频)(?P<en>\d{1,3})"
)
_MAYBE_TYPED = re.compile(r"(?:image|video|audio|img|bild|图片|视频|音频)[ _]?\d")
_KINDS = {
    **dict.fromkeys(("image", "img", "bild", "图片"), MediaKind.IMAGE),
    **dict.fromkeys(("video", "视频"), MediaKind.VIDEO),
    **dict.fromkeys(("audio", "音频"), MediaKind.AUDIO),
}


@dataclass(frozen=True, slots=True)
class _Text:
    """A distinct prompt: what its words mean, and what is wrong with them by themselves."""

    reading: Reading
    findings: tuple[Finding, ...]


def lint(
    manifest: Manifest, jobs: Sequence[Job], places: Place, *, profile: str | None = None
) -> Iterator[Violation]:
    """Yield what is allowed and yet probably a mistake; `places` tells where a path stands."""
    texts: dict[str, _Text] = {}
    for job in jobs:
        text = texts.get(job.prompt)
        if text is None:
            reading = read(job.prompt)
            text = _Text(reading, tuple(f for rule in PROMPT_RULES for f in rule(reading)))
            if len(texts) >= _REMEMBERED:
                texts.clear()
            texts[job.prompt] = text
        for finding in text.findings:
            yield _violation(job, finding)
        for rule in JOB_RULES:
            for finding in rule(job, text.reading):
                yield _violation(job, finding)
    yield from _paid_twice(jobs)
    yield from _draft_as_final(jobs, profile)
    yield from _unused_references(manifest, jobs, places)
    yield from _signed_urls(manifest, places)


def _camera_setting(job: Job, reading: Reading) -> Iterator[Finding]:
    """SR102: find a prompt that moves the camera which its setting holds, and the reverse."""
    if job.camera_fixed is None:
        return
    moving, still = reading.first("moving camera"), reading.first("static camera")
    if job.camera_fixed and moving is not None:
        yield _against_camera(moving, "true", "drop `camera_fixed`, or the move")
    elif not job.camera_fixed and still is not None and moving is None:
        yield _against_camera(still, "false", "set `camera_fixed: true`, or drop these words")


def _against_camera(term: Term, setting: str, hint: str) -> Finding:
    return Finding("SR102", f"'{term.text}' is against camera_fixed: {setting}", hint)


def _sound_setting(job: Job, reading: Reading) -> Iterator[Finding]:
    """SR107: find silence that is to be heard, and sound that will not be."""
    if job.audio is False:
        sound = reading.first("sound")
        what = "spoken words" if reading.is_spoken else f"'{sound.text}'" if sound else None
        if what is not None:
            message = f"{what} in the prompt of a job with audio: false"
            yield Finding("SR107", message, "set `audio: true`, or drop these words")
        return
    silence = reading.first("silence")
    if silence is None or reading.is_spoken:
        return
    has_sound = any(use.reference.kind is MediaKind.AUDIO for use in job.references)
    if job.audio or has_sound:
        why = "audio: true" if job.audio else "an audio reference"
        message = f"'{silence.text}' is against {why}"
        yield Finding("SR107", message, "set `audio: false`, or drop these words")


def _typed_index(job: Job, reading: Reading) -> Iterator[Finding]:
    """SR111: find references that are meant by a number which does not fit."""
    if not _MAYBE_TYPED.search(reading.text):
        return
    counts = Counter(use.reference.kind for use in job.references)
    counts[MediaKind.VIDEO] += len(job.needs)
    uses_names = _NAMED.search(reading.prompt) is not None
    for match in _TYPED.finditer(reading.text):
        word = next(match[g] for g in "abcde" if match[g])
        number = next(int(match[f"{g}n"]) for g in "abcde" if match[f"{g}n"])
        kind = _KINDS[word]
        if not 1 <= number <= counts[kind]:
            message = f"'{match.group()}' is one of {counts[kind]} {kind.value} references"
            yield Finding("SR111", message, "list the reference, and write {{ ref.NAME }}")
            return
        if uses_names:
            message = f"'{match.group()}' is typed by hand beside named references"
            yield Finding("SR111", message, "numbers slip: write {{ ref.NAME }} here, too")
            return


def _unmentioned_reference(job: Job, reading: Reading) -> Iterator[Finding]:
    """SR112: find references that the prompt forgets while it names others."""
    if len(job.references) < 2 or "{{" not in job.prompt:  # noqa: PLR2004 - one of two at least
        return
    named = set(_NAMED.findall(job.prompt))
    if not named or _MAYBE_TYPED.search(reading.text):
        return
    for use in job.references:
        if use.role is Role.REFERENCE and use.reference.name not in named:
            name = use.reference.name
            message = f"the prompt never mentions reference '{name}'"
            hint = f"say what it is for with {{{{ ref.{name} }}}}, or take it out"
            yield Finding("SR112", message, hint, field="references")


def _ignored_setting(job: Job, reading: Reading) -> Iterator[Finding]:  # noqa: ARG001 - one signature
    """SR121: find `camera_fixed` with reference images."""
    if job.camera_fixed and any(
        use.role is Role.REFERENCE and use.reference.kind is MediaKind.IMAGE
        for use in job.references
    ):
        message = "camera_fixed is not available with reference images"
        hint = "drop it and say it in the prompt: 'static camera'"
        yield Finding("SR121", message, hint, field="camera_fixed")


JOB_RULES: tuple[JobRule, ...] = (
    _camera_setting,
    _sound_setting,
    _typed_index,
    _unmentioned_reference,
    _ignored_setting,
)


def _paid_twice(jobs: Sequence[Job]) -> Iterator[Violation]:
    """SR118: find jobs that differ in nothing that is seen; takes of one shot are meant."""
    seen: dict[object, Job] = {}
    words: dict[str, str] = {}
    for job in jobs:
        plain = words.get(job.prompt)
        if plain is None:
            plain = words[job.prompt] = " ".join(re.findall(r"\w+", job.prompt.casefold()))
        settings = (job.model, job.tier, job.mode, job.duration_s, job.resolution, job.ratio)
        others = (job.audio, job.seed, job.camera_fixed, job.references, job.needs, job.take)
        first = seen.setdefault((plain, settings, others), job)
        if first is not job:
            message = f"the same footage as {first.id}, and paid twice"
            hint = "drop one; for more renderings of one shot set `takes`"
            finding = Finding("SR118", message, hint)
            yield _violation(job, finding, first.origin)


def _draft_as_final(jobs: Sequence[Job], profile: str | None) -> Iterator[Violation]:
    """SR119: find final footage on a tier for drafts."""
    is_final = profile is not None and not _FINAL.isdisjoint(re.split(r"[._-]", profile.lower()))
    for job in jobs:
        if job.tier is Tier.STANDARD or not (is_final or "final" in job.tags):
            continue
        why = f"the profile '{profile}'" if is_final else "the tag 'final'"
        message = f"{why} and the {job.tier.value} tier"
        finding = Finding("SR119", message, "set `tier: standard`", field="tier")
        yield _violation(job, finding)


def _unused_references(
    manifest: Manifest, jobs: Sequence[Job], places: Place
) -> Iterator[Violation]:
    """SR113: find references that no job uses."""
    used = {use.reference.name for job in jobs for use in job.references}
    for name in manifest.references:
        if name not in used:
            message = f"no job uses reference '{name}'"
            yield _misplaced("SR113", places(("references", name)), message, "use it, or drop it")


def _signed_urls(manifest: Manifest, places: Place) -> Iterator[Violation]:
    """SR120: find URLs that hold a secret or end; the secret is never repeated."""
    for name, reference in manifest.references.items():
        if reference.url is not None and is_signed(reference.url):
            message = f"the URL of reference '{name}' is signed or expires"
            hint = (
                "give a file, an asset or a lasting URL; and withdraw the key if it is checked in"
            )
            yield _misplaced("SR120", places(("references", name)), message, hint)


def _misplaced(rule: str, origin: Origin, message: str, hint: str) -> Violation:
    return Violation(
        origin=origin, message=message, code=rule, severity=Severity.WARNING, hint=hint
    )


def _violation(job: Job, finding: Finding, *others: Origin) -> Violation:
    origin = job.origin_of(finding.field)
    own = () if origin == job.origin else (job.origin,)
    return Violation(
        origin=origin,
        message=finding.message,
        jobs=(job.id,),
        path=job.path_of(finding.field),
        code=finding.rule,
        severity=finding.severity,
        hint=finding.hint,
        related=(*own, *(other for other in others if other != origin and other not in own)),
    )
