from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

from seedrender.plan import cost, graph, make
from seedrender.plan.decide import Facts
from seedrender.plan.report import Pictures, to_html
from seedrender.values.entry import JobState, Lock, LockEntry
from seedrender.values.job import Job, JobId, MediaKind, Reference, ReferenceUse
from seedrender.values.manifest import LongTake
from seedrender.values.money import UNKNOWN_PRICE, Amount, Cost
from tests.builders import T0, clip, entry, job, record

PICTURES = Pictures(poster=b"p", strip=b"s")
PAID = Cost(amount=Amount(Decimal("0.69"), "USD"), source="provider")


def page(
    jobs: list[Job],
    *entries: LockEntry,
    takes: tuple[LongTake, ...] = (),
    seen: tuple[str, ...] = (),
) -> str:
    lock = Lock(manifest="m", entries={e.job: e for e in entries})
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True)
    plan = make.plan(graph.build(jobs), takes, facts)
    estimate = cost.estimate(plan, lambda _: UNKNOWN_PRICE)
    pictures = dict.fromkeys(map(JobId, seen), PICTURES)
    return to_html("film", plan, lock, estimate, pictures)


def test_the_page_is_whole_and_refers_to_nothing_but_clips() -> None:
    sources: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "link", "iframe")
            sources.extend(str(value) for name, value in attrs if name in ("src", "href"))

    done = entry("spin", record(state=JobState.SUCCEEDED, cost=PAID), output=clip())
    Reader().feed(page([job("spin")], done, seen=("spin",)))

    assert [s for s in sources if not s.startswith("data:")] == ["renders/spin.mp4"]


def test_a_clip_shows_its_prompt_its_cost_and_how_long_it_took() -> None:
    made = record(state=JobState.SUCCEEDED, cost=PAID, finished_at=T0.replace(minute=2))

    text = page([job("spin")], entry("spin", made, output=clip()), seen=("spin",))

    assert "A kite over the sea." in text
    assert "task task-c1, 0.69 USD (provider), 120 s from submit to end" in text
    assert "renders/spin.mp4: 5 s, 864x496, 1 kB" in text


def test_what_is_missing_says_why() -> None:
    failed = entry("opener", record(state=JobState.FAILED, error="out of light"))

    text = page([job("spin"), job("opener")], failed)

    assert "not rendered yet" in text
    assert "its last task failed: out of light" in text
    assert "task task-c1, cost not reported" in text
    assert "nothing + 1 unknown" in text


def test_hostile_words_stay_words() -> None:
    name = "<script>alert(1)</script>"

    text = page([job("spin", prompt=name)], entry("spin", record(error=name)))

    assert name not in text
    assert "&lt;script&gt;" in text


def test_a_long_take_is_shown_with_its_segments() -> None:
    segments = (JobId("fly/01"),)
    take = LongTake(id=JobId("fly"), segments=segments, output="renders/fly.mp4")
    joined = entry("fly", output=replace(clip("sha256:x", "renders/fly.mp4"), duration_s=42.0))

    without = page([job("fly/01")], takes=(take,))
    with_clip = page([job("fly/01")], joined, takes=(take,), seen=("fly",))

    assert "waits for fly/01" in without
    assert "renders/fly.mp4: 42 s" in with_clip
    assert "joined from fly/01" in with_clip


def test_the_page_says_who_allowed_the_use_of_a_reference() -> None:
    mira = Reference(
        name="mira", kind=MediaKind.IMAGE, asset="asset-1", authorised_by="release-117.pdf"
    )
    text = page([job("spin", references=(ReferenceUse(reference=mira),))])

    assert "mira: use allowed by release-117.pdf" in text


def test_what_hides_or_turns_text_is_shown_as_an_escape_and_lines_stay() -> None:
    text = page([job("spin", prompt="A kite.\nX\u202ey\x1b]0;z\x07")])

    assert "A kite.\nX\\u202ey\\x1b]0;z\\x07" in text
    assert not {"\u202e", "\x1b", "\x07"} & set(text)
