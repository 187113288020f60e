"""What each lint rule finds and why, in words; the reference pages are made of this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seedrender.errors import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that a lint looks for."""

    id: str  # stable: suppressions and editors name it
    name: str
    severity: Severity = Severity.WARNING
    summary: str
    explanation: str
    wrong: str
    right: str


ALL: tuple[Rule, ...] = (
    Rule(
        id="SR100",
        name="idle-suppression",
        summary="A suppression names an unknown rule, or suppresses nothing.",
        explanation="A comment that allows what does not happen hides the next real finding there.",
        wrong="prompt: A kite over the sea.  # seedrender: allow SR101",
        right="prompt: A kite over the sea.",
    ),
    Rule(
        id="SR101",
        name="shot-size",
        summary="One moment is framed as a close-up and as a wide shot.",
        explanation=(
            "A picture has one shot size at a time, so the model drops one of the two. A move "
            "from one to the other, a cut, a time span, a numbered shot or a negation is fine."
        ),
        wrong="prompt: Close-up, wide shot, an old fisherman mends his net.",
        right="prompt: Starts as a wide shot and pushes in to a close-up of an old fisherman.",
    ),
    Rule(
        id="SR102",
        name="camera-setting",
        summary="The prompt moves the camera and `camera_fixed` holds it, or the other way round.",
        explanation="Both reach the model side by side, and which one wins is luck.",
        wrong="{prompt: Slow dolly in on a clock., camera_fixed: true}",
        right="{prompt: Static camera. A clock., camera_fixed: true}",
    ),
    Rule(
        id="SR103",
        name="lens",
        summary="One moment is seen through two lenses that exclude each other.",
        explanation="A fisheye or wide-angle lens stretches space and a telephoto lens presses it.",
        wrong="prompt: Fisheye telephoto shot of a skater.",
        right="prompt: Fisheye shot of a skater.",
    ),
    Rule(
        id="SR104",
        name="light",
        summary="One moment is lit in two ways that exclude each other.",
        explanation=(
            "High-key and low-key, a backlit silhouette and flat front light, hard light and soft "
            "diffused light: the model mixes them into neither."
        ),
        wrong="prompt: High-key, low-key portrait of an actress.",
        right="prompt: Low-key portrait of an actress, one lamp from the left.",
    ),
    Rule(
        id="SR105",
        name="time-of-day",
        summary="One moment has two times of day.",
        explanation="Noon and midnight, sunrise and night; a change or a time-lapse is fine.",
        wrong="prompt: A village at noon, starry night sky.",
        right="prompt: A village at noon, then night falls.",
    ),
    Rule(
        id="SR106",
        name="camera-motion",
        summary="In one moment the camera stands still and moves.",
        explanation="A locked-off camera cannot pan or travel; say which, or say in which order.",
        wrong="prompt: Static shot, the camera dollies in on the pianist.",
        right="prompt: The camera is static at first, then dollies in on the pianist.",
    ),
    Rule(
        id="SR107",
        name="sound",
        summary="The prompt asks for silence while sound is on, or for sound while it is off.",
        explanation=(
            "With `audio: false` no voice and no music is made, whatever the prompt says; with "
            "`audio: true` a clip with sound is made even of a prompt that wants none."
        ),
        wrong="{prompt: 'She says: \"Come in.\"', audio: false}",
        right="{prompt: 'She says: \"Come in.\"', audio: true}",
    ),
    Rule(
        id="SR108",
        name="weather",
        summary="One moment has two kinds of weather that exclude each other.",
        explanation="A cloudless sky sends no heavy rain, and midsummer heat no blizzard.",
        wrong="prompt: Heavy rain under a cloudless blue sky.",
        right="prompt: After the heavy rain the sky clears.",
    ),
    Rule(
        id="SR110",
        name="prompt-length",
        summary="The prompt is longer than the model's makers advise.",
        explanation=(
            "Ark advises at most 1000 English words or 500 Chinese characters; of longer prompts "
            "the model overlooks details, and some routes refuse them."
        ),
        wrong="prompt: (1200 words)",
        right="prompt: (the same in 200 words; or a chain of segments)",
    ),
    Rule(
        id="SR111",
        name="typed-index",
        summary="A reference is meant by a number typed by hand that does not fit the references.",
        explanation=(
            "Numbers follow the order of `references`, and slip when one is added. Write "
            "`{{ ref.NAME }}`: each route gets its own placeholder."
        ),
        wrong="{prompt: '[Image 2] enters.', references: [hero]}",
        right="{prompt: '{{ ref.hero }} enters.', references: [hero]}",
    ),
    Rule(
        id="SR112",
        name="unmentioned-reference",
        summary="A listed reference is never mentioned while others are.",
        explanation="The model is given a picture and not told what for; it may use it anywhere.",
        wrong="{prompt: '{{ ref.hero }} enters.', references: [hero, street]}",
        right="{prompt: '{{ ref.hero }} enters {{ ref.street }}.', references: [hero, street]}",
    ),
    Rule(
        id="SR113",
        name="unused-reference",
        summary="A reference is defined and used by no job.",
        explanation="It is forgotten, or a shot that should use it does not.",
        wrong="references: {hero: {image: hero.png}}  # and no shot names hero",
        right="shots: {spin: {prompt: '{{ ref.hero }} turns.'}}",
    ),
    Rule(
        id="SR114",
        name="relative-words",
        summary='A prompt refers to another prompt: "as before", "the previous scene".',
        explanation=(
            "Each job is sent alone: the model knows no other prompt and no other clip. A segment "
            "of a chain that names `{{ previous }}` does know that clip."
        ),
        wrong="prompt: The same woman as in the previous shot leaves the house.",
        right="prompt: '{{ ref.mira }}, a woman in a red coat, leaves the house.'",
    ),
    Rule(
        id="SR117",
        name="text-flags",
        severity=Severity.ERROR,
        summary="The prompt carries ` --word value` parameters.",
        explanation=(
            "Ark reads documented flags (--rs, --rt, --dur, --seed, --cf, --wm and their long "
            "names) out of the prompt, and so changes a paid job without a word: these are errors. "
            "Flags of other tools, such as `--ar`, are warnings: they reach the model as prose."
        ),
        wrong="prompt: A cat on a sofa --resolution 1080p --dur 10",
        right="{prompt: A cat on a sofa, resolution: 1080p, duration: 10}",
    ),
    Rule(
        id="SR118",
        name="paid-twice",
        summary="Two jobs ask for the same footage in the same words.",
        explanation="Both are paid. If more than one rendering is wanted, `takes: 2` says so.",
        wrong="shots: {a: {prompt: A kite.}, b: {prompt: a kite}}",
        right="shots: {a: {prompt: A kite., takes: 2}}",
    ),
    Rule(
        id="SR119",
        name="draft-as-final",
        summary="What is called final is rendered by a fast or mini model.",
        explanation=(
            "The chosen profile (final, master, release, delivery) or the tag `final` promises the "
            "best quality, and the tier is one for drafts: the profile may have forgotten it."
        ),
        wrong="profiles: {final: {resolution: 720p}}  # defaults: {tier: fast}",
        right="profiles: {final: {resolution: 720p, tier: standard}}",
    ),
    Rule(
        id="SR120",
        name="signed-url",
        summary="The URL of a reference carries a signature, a token or an expiry.",
        explanation=(
            "Manifests are checked in, so the secret is published; and when the link has expired, "
            "the paid job fails."
        ),
        wrong="hero: {image: 'https://cdn.example.org/hero.png?X-Amz-Expires=900&…'}",
        right="hero: {image: refs/hero.png}",
    ),
    Rule(
        id="SR121",
        name="ignored-setting",
        summary="A setting does not go together with what the job is given.",
        explanation=(
            "The model's makers document `camera_fixed` as not available with reference images: it "
            "is ignored or refused."
        ),
        wrong="{prompt: '{{ ref.hero }} turns.', references: [hero], camera_fixed: true}",
        right="{prompt: '{{ ref.hero }} turns. Static camera.', references: [hero]}",
    ),
    Rule(
        id="SR122",
        name="unfilled",
        summary="A prompt holds a placeholder that nothing fills in, or is put in curly quotes.",
        explanation=(
            "`{name}`, `{ref.name}`, `${name}` and `@name` are other tools' words for a value or a "
            "reference; here they reach the model as they are. Quotes that a word processor has "
            "curled quote nothing for YAML: they are a part of the prompt."
        ),
        wrong="prompt: '@mira walks along {place}.'",
        right="prompt: '{{ ref.mira }} walks along {{ vars.place }}.'",
    ),
    Rule(
        id="SR123",
        name="cut-by-comment",
        summary="A text without quotes ends where ` #` begins a comment.",
        explanation=(
            "For YAML a `#` behind a space begins a comment: the rest of the line is gone. Who "
            "means a comment writes a space behind the sign, too."
        ),
        wrong="prompt: A runner with the number #7 crosses the line.",
        right="prompt: 'A runner with the number #7 crosses the line.'",
    ),
)

RULES: Mapping[str, Rule] = {rule.id: rule for rule in ALL}
