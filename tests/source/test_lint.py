from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from seedrender.errors import Origin, Severity, Violation
from seedrender.source import expand, review
from seedrender.source.lint import lint
from seedrender.source.rules import ALL, RULES
from seedrender.source.vocabulary import vocabulary
from seedrender.values.job import Job, JobId, MediaKind, Place, Reference, ReferenceUse, Role, Tier
from seedrender.values.manifest import Manifest
from tests.builders import job

HERE = Path(__file__).parent
IDLE = Manifest(name="film", provider="sim")
PROMPT_AT = Origin("film.yaml", 9, 13)
MANY = 20_000


def use(name: str, kind: MediaKind = MediaKind.IMAGE, **fields: Any) -> ReferenceUse:
    reference = Reference(name=name, kind=kind, path=f"refs/{name}")
    return ReferenceUse(reference=reference, **fields)


def place(path: tuple[str, ...]) -> Origin:
    return Origin("film.yaml", 100 + len(path), 1)


def found(*jobs: Job, manifest: Manifest = IDLE, profile: str | None = None) -> list[Violation]:
    return list(lint(manifest, jobs, place, profile=profile))


def codes(prompt: str = "A kite over the sea.", **fields: Any) -> list[str]:
    return [v.code for v in found(job(prompt=prompt, **fields))]


@pytest.mark.parametrize(
    ("rule", "wrong", "right"),
    [
        ("SR101", "Close-up wide shot of a fox.", "Starts wide and pushes in to a close-up."),
        ("SR101", "特写远景的老人。", "镜头从远景推近至特写。"),
        ("SR101", "Macro shot. Long shot.", "Close-up with a wide-angle lens, no wide shot."),
        ("SR101", "A wide shot, close-up.", 'A wide shot of a sign that says "close-up".'),
        ("SR101", "A wide shot, close-up.", "Wide shot: the sea. Close-up: a gull."),
        ("SR101", "A wide shot, close-up.", "0-2s: wide shot. 2-5s: close-up."),
        ("SR101", "A wide shot, close-up.", "A wide shot, and in it a poster of a close-up."),
        ("SR101", "A wide shot, close-up.", "Split screen: a close-up and a wide shot."),
        ("SR101", "A wide shot, close-up.", "A wide shot. A close-up? No."),
        ("SR103", "Fisheye telephoto shot.", "A fisheye view, then a telephoto shot."),
        ("SR104", "High-key, low-key portrait.", "A low-key party, high-key lighting."),
        ("SR105", "Noon, starry night sky.", "A midnight blue dress at noon."),
        ("SR105", "Sunrise, midnight.", "She dreams of sunrise at midnight."),
        ("SR106", "Static camera, slow pan.", "Static camera; a dolly of luggage rolls by."),
        ("SR106", "Static shot, the camera pans.", "Static shot. A security camera pans."),
        ("SR106", "Static shot. Push in on her.", "Static shot. They push in a drawer."),
        ("SR108", "Heavy rain, cloudless sky.", "After heavy rain the cloudless sky shines."),
        ("SR114", "As in the previous shot.", "He was the same as before the war."),
        ("SR114", "Same as before, in rain.", "Same as before {{ previous }}, in rain."),
        ("SR117", "A cat --dur 10", "A cat -- black -- sleeps."),
        ("SR122", "{place} at dawn.", "{{ ref.place }} at dawn."),
        ("SR122", "{ref.mira} walks.", '{"shot": {"subject": "Mira"}}'),
        ("SR122", "${MIRA} walks.", "A price tag: $ 20."),
        ("SR122", "$(mira) walks.", "$ (a dollar)"),
        ("SR122", "%(mira)s walks.", "100% (all) sand"),
        ("SR122", "@mira walks.", "A sign: me@example.org"),
        ("SR122", "“A cat walks.”", "She says “come in” and “sit”, and walks."),
    ],
)
def test_a_prompt_that_contradicts_itself_is_found_and_its_near_miss_is_not(
    rule: str, wrong: str, right: str
) -> None:
    assert codes(wrong) == [rule]
    assert codes(right) == []


@pytest.mark.parametrize(
    ("rule", "prompt", "wrong", "right"),
    [
        ("SR102", "Slow dolly in on a clock.", {"camera_fixed": True}, {"camera_fixed": False}),
        ("SR102", "Static camera, a clock.", {"camera_fixed": False}, {"camera_fixed": True}),
        ("SR102", "Tracking shot of a cat.", {"camera_fixed": True}, {}),
        ("SR107", "No sound. Snow.", {"audio": True}, {"audio": False}),
        (
            "SR107",
            "No sound. Snow.",
            {"references": (use("song", MediaKind.AUDIO),)},
            {"references": ()},
        ),
        ("SR107", 'She says: "Come in."', {"audio": False}, {"audio": True}),
        ("SR107", "Background music: a harp.", {"audio": False}, {}),
        (
            "SR111",
            "[Image 1] meets [Image 2].",
            {"references": (use("a"),)},
            {"references": (use("a"), use("b"))},
        ),
        ("SR111", "Continue Video 1.", {}, {"needs": (JobId("a/01"),)}),
        ("SR111", "<<<image_1>>> dances.", {}, {"references": (use("a"),)}),
        (
            "SR111",
            "{{ ref.a }} in [Image 2].",
            {"references": (use("a"), use("b"))},
            {"references": (use("a"), use("b")), "prompt": "{{ ref.a }} in {{ ref.b }}."},
        ),
        (
            "SR112",
            "{{ ref.a }} waves.",
            {"references": (use("a"), use("b"))},
            {"references": (use("a"), use("b", role=Role.LAST_FRAME))},
        ),
        (
            "SR119",
            "A kite.",
            {"tags": ("final",), "tier": Tier.MINI},
            {"tags": ("final",), "tier": Tier.STANDARD},
        ),
        (
            "SR121",
            "A kite.",
            {"camera_fixed": True, "references": (use("a"),)},
            {"camera_fixed": True, "references": (use("a", role=Role.FIRST_FRAME),)},
        ),
    ],
)
def test_a_setting_against_the_prompt_is_found_and_its_near_miss_is_not(
    rule: str, prompt: str, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    assert codes(**{"prompt": prompt, **wrong}) == [rule]
    assert codes(**{"prompt": prompt, **right}) == []


def test_a_prompt_beyond_the_advice_is_found_in_words_and_in_chinese_characters() -> None:
    assert codes("wave " * 1001) == ["SR110"]
    assert codes("wave " * 1000) == []
    assert codes("海" * 501) == ["SR110"]
    assert codes("海" * 500) == []


def test_only_flags_that_the_maker_reads_are_errors() -> None:
    [documented] = found(job(prompt="A cat --rs 1080p"))
    [foreign] = found(job(prompt="A cat --ar 16:9"))

    assert (documented.severity, foreign.severity) == (Severity.ERROR, Severity.WARNING)
    assert codes("The screen shows rm --help and hums.") == []


def test_the_same_footage_of_two_shots_is_found_and_takes_are_meant() -> None:
    first, second = job("a", prompt="A kite, high up."), job("b", prompt="a  KITE high up")
    take = job("a@2", shot="a", prompt="A kite, high up.", take=2)
    other = job("c", prompt="A kite, high up.", seed=7)

    [twice] = found(first, take, second, other)

    assert (twice.code, twice.jobs, twice.message) == (
        "SR118",
        ("b",),
        "the same footage as a, and paid twice",
    )


def test_a_profile_called_final_on_a_tier_for_drafts_is_found() -> None:
    fast = job(
        "a",
        tier=Tier.FAST,
        places={"tier": Place(Origin("film.yaml", 2, 17), ("defaults", "tier"))},
    )

    [draft] = found(fast, profile="final-4k")

    assert (draft.code, draft.origin.line) == ("SR119", 2)
    assert found(fast, profile="finalists") == []


def test_references_that_no_job_uses_are_found_at_their_own_place() -> None:
    references = {name: use(name).reference for name in ("hero", "street")}
    manifest = Manifest(name="film", provider="sim", references=references)

    [unused] = found(job(references=(use("hero"),)), manifest=manifest)

    assert (unused.code, unused.origin) == ("SR113", place(("references", "street")))
    assert "'street'" in unused.message


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("X-Amz-Expires=900&X-Amz-Signature=s3cret", ["SR120"]),
        ("token=s3cret", ["SR120"]),
        ("q-sign-time=1;2&q-signature=s3cret", ["SR120"]),
        ("v=2&x-cos-security-token=s3cret", ["SR120"]),
        ("sv=2024&se=2026&sig=s3cret", ["SR120"]),
        ("width=900&seed=4", []),
    ],
)
def test_a_signed_url_is_found_and_never_repeated(query: str, expected: list[str]) -> None:
    url = f"https://cdn.example.org/hero.png?{query}"
    hero = Reference(name="hero", kind=MediaKind.IMAGE, url=url)
    manifest = Manifest(name="film", provider="sim", references={"hero": hero})

    signed = found(job(references=(ReferenceUse(reference=hero),)), manifest=manifest)

    assert [v.code for v in signed] == expected
    assert "s3cret" not in "".join(map(str, signed))


def test_a_url_that_cannot_be_read_is_left_to_the_parser() -> None:
    hero = Reference(name="hero", kind=MediaKind.IMAGE, url="https://[::1?token=x")
    manifest = Manifest(name="film", provider="sim", references={"hero": hero})

    assert found(job(references=(ReferenceUse(reference=hero),)), manifest=manifest) == []


def test_a_finding_stands_where_the_prompt_was_written_and_names_the_shot() -> None:
    places = {"prompt": Place(PROMPT_AT, ("templates", "t", "prompt"))}

    [violation] = found(job("spin", prompt="Close-up wide shot.", places=places))

    assert violation.origin == PROMPT_AT
    assert violation.related == (Origin("film.yaml", 3, 3),)
    assert violation.message == "'close-up' and 'wide shot' exclude each other"
    assert violation.hint is not None
    assert violation.severity is Severity.WARNING


def test_the_rules_hold_on_an_expanded_manifest() -> None:
    text = (
        "seedrender: 1\nname: film\nreferences: {hero: {image: hero.png}}\n"
        "shots: {a: {prompt: 'Noon, at night.', matrix: {angle: [1, 2]}}}\n"
    )
    expansion = expand.load(text, "film.yaml", read=str)

    violations = lint(expansion.manifest, expansion.jobs, place)

    assert Counter(v.code for v in violations) == {"SR105": 2, "SR118": 1, "SR113": 1}


def test_every_rule_explains_itself_in_a_sentence_and_an_example() -> None:
    assert list(RULES) == sorted(RULES)
    assert all(rule.summary.endswith(".") and rule.explanation.endswith(".") for rule in ALL)
    assert all(rule.wrong != rule.right for rule in ALL)
    assert len({rule.name for rule in ALL}) == len(ALL)


def test_the_data_file_speaks_of_known_rules_and_terms_only() -> None:
    known = {name for name, _ in vocabulary().groups.values()}
    used = {name for pair in vocabulary().opposites for name in pair.one | pair.other}
    asked = {"moving camera", "static camera", "sound", "silence", "ignored"}

    assert used | asked == known
    assert {pair.rule for pair in vocabulary().opposites} <= set(RULES)


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param("«" * 10_000, id="quotes left open"),
        pytest.param("close-up " * 600 + "wide shot " * 400, id="many terms"),
        pytest.param("--dur " * 1600 + "!", id="many flags"),
        pytest.param("1.1" * 3300, id="numbers"),
        pytest.param("camera " * 1400, id="half a phrase"),
        pytest.param("photo of " * 1100, id="pictures"),
        pytest.param("--a" + "=" * 9_000 + " .", id="equals signs"),
    ],
)
def test_a_hostile_prompt_takes_no_longer_than_a_long_one(prompt: str) -> None:
    start = time.process_time()

    found(job(prompt=prompt))

    assert time.process_time() - start < 1


def test_many_jobs_take_seconds() -> None:
    jobs = [
        job(f"a{n}", prompt=f"Tracking shot of car {n} at sunset, a close-up of the wheel.")
        for n in range(MANY)
    ]
    start = time.process_time()

    assert found(*jobs) == []

    assert time.process_time() - start < 5


def labelled(file: str) -> list[dict[str, Any]]:
    lines = (HERE / file).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def settings(row: dict[str, Any]) -> dict[str, Any]:
    fields = dict(row["settings"])
    pairs = [text.split(":") for text in fields.pop("references", ())]
    fields["references"] = tuple(use(name, MediaKind(kind)) for kind, name in pairs)
    if fields.pop("needs", False):
        fields["needs"] = (JobId("spin/01"),)
    return fields


# prompts.jsonl was labelled before the rules were written; the two halves of prompts_later.jsonl
# (74 and 68) afterwards, to be hard. What the rules made of those at first sight: precision 0.70
# and 0.86, recall 1.00 and 0.76.
@pytest.mark.parametrize("file", ["prompts.jsonl", "prompts_later.jsonl"])
def test_labelled_prompts_are_judged_as_people_judge_them(file: str) -> None:
    tally: Counter[str] = Counter()
    differences = []
    for row in labelled(file):
        got, meant = set(codes(row["prompt"], **settings(row))), set(row["expect"])
        tally.update(rightly=len(got & meant), wrongly=len(got - meant), missed=len(meant - got))
        if got != meant:
            differences.append(f"{sorted(got)} for {sorted(meant)}: {row['prompt']}")
    precision = tally["rightly"] / (tally["rightly"] + tally["wrongly"])
    recall = tally["rightly"] / (tally["rightly"] + tally["missed"])
    print(f"{file}: {dict(tally)}, precision {precision:.3f}, recall {recall:.3f}")  # noqa: T201 - the figures are the point
    print(*differences, sep="\n")  # noqa: T201 - likewise

    assert precision >= 0.95
    assert recall >= 0.8


CUT = """seedrender: 1
name: film
shots:
  a:
    prompt: A runner with the number #7 on the shirt crosses the line
  b: {prompt: A kite., duration: 4}  #a remark behind a brace
  c: {prompt: "A kite #7 here"}  #not behind a bare text
  d:
    prompt: A second kite.  # a real remark
    duration: 4 #seconds
"""


def test_a_text_whose_end_is_taken_for_a_comment_is_found_in_its_place() -> None:
    attempt = expand.attempt(CUT, "film.yaml", read=lambda _: CUT)

    cut = [v for v in review.review(attempt, lambda _: CUT) if v.code == "SR123"]

    assert [str(violation.origin) for violation in cut] == ["film.yaml:5:38"]
    assert cut[0].message.startswith("'#7 on the shirt crosses the line' is a comment for YAML")


def test_a_text_that_is_cut_may_be_allowed() -> None:
    text = CUT.replace(
        "    prompt: A runner", "    # seedrender: allow SR123\n    prompt: A runner"
    )
    attempt = expand.attempt(text, "film.yaml", read=lambda _: text)

    assert not [v for v in review.review(attempt, lambda _: text) if v.code in ("SR123", "SR100")]
