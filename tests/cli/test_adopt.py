"""`adopt`, `pin` and `unpin`, with films that are rendered on the simulator."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ArtifactError, ConfigError
from seedrender.lock import fold, lockfile
from seedrender.run import adopt, store
from seedrender.sim.app import SimSettings
from seedrender.values.entry import GUESSED, Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId
from seedrender.values.task import TaskId
from tests.builders import clip, entry, record
from tests.containers import contained
from tests.scripted import clip_bytes
from tests.served import simulator

FILM = """seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p, duration: 4}
shots: {a: {prompt: A kite over the sea.}, b: {prompt: A fox in the snow.}}
chains: {fly: {prompt: One long shot., duration: 20}}
"""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    film = tmp_path / "film.yaml"
    film.write_text(FILM)
    (tmp_path / "mine.mp4").write_bytes(clip_bytes())
    return film


def seedrender(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(
        cli, [str(w) for w in words], obj=State(), catch_exceptions=False, standalone_mode=False
    )
    return done.return_value, done.output


def write(film: Path, *entries: LockEntry) -> None:
    lock = fold.fold(Lock(manifest="film.yaml"), entries)
    film.with_suffix(".lock").write_text(lockfile.dumps(lock), "utf-8")


def known(film: Path, job: str) -> LockEntry:
    return store.read(film.with_suffix(".lock"), film.name).entries[entry(job).job]


def plan(film: Path) -> dict[str, tuple[str, str]]:
    jobs = json.loads(seedrender("plan", film, "--json")[1])["jobs"]
    return {job["job"]: (job["plan"], job["reason"]) for job in jobs}


def run(film: Path, *words: str) -> int:
    return seedrender("run", film, *words, "--sim-speed", "600")[0]


def test_a_clip_on_disk_becomes_a_jobs_clip_and_nothing_is_bought(film: Path) -> None:
    code, text = seedrender("adopt", film, "a", "--file", film.parent / "mine.mp4")

    assert code == 0
    assert text.startswith("a: renders/a.mp4 (64x64, 4 s) is its clip from now on")
    assert plan(film)["a"] == ("current", "as in the lock")
    assert (film.parent / "renders/a.mp4").read_bytes() == clip_bytes()
    (made,) = known(film, "a").tasks
    assert (made.provider, made.task_id, made.cost, made.state) == (
        "file",
        None,
        None,
        JobState.SUCCEEDED,
    )
    assert seedrender("verify", film)[0] == 0


def test_a_clip_that_is_replaced_by_a_file_is_kept(film: Path) -> None:
    assert run(film, "a") == 0
    before = known(film, "a")
    assert before.output is not None

    code, text = seedrender("adopt", film, "a", "--file", film.parent / "mine.mp4", "--json")

    after = known(film, "a")
    (bought, _) = after.tasks
    assert (code, json.loads(text)["output"]) == (0, "renders/a.mp4")
    assert bought.superseded is not None
    assert bought.superseded.sha256 == before.output.sha256
    assert (film.parent / bought.superseded.path).stat().st_size == before.output.size_bytes
    assert plan(film)["a"][0] == "current"


def test_a_file_that_is_no_clip_changes_nothing(film: Path) -> None:
    assert run(film, "a") == 0
    clip = (film.parent / "renders/a.mp4").read_bytes()
    (film.parent / "mine.mp4").write_bytes(b"no clip")

    with pytest.raises(ArtifactError):
        seedrender("adopt", film, "a", "--file", film.parent / "mine.mp4")

    assert (film.parent / "renders/a.mp4").read_bytes() == clip
    assert plan(film)["a"][0] == "current"


def test_a_clip_of_another_length_is_told(film: Path) -> None:
    film.write_text(FILM.replace("duration: 4", "duration: 8"))

    _, text = seedrender("adopt", film, "a", "--file", film.parent / "mine.mp4")

    assert "it is 4 s long, and the manifest asks for 8 s" in text


def test_a_task_is_collected_by_the_next_run_and_not_bought_again(film: Path) -> None:
    assert run(film, "a") == 0
    (bought,) = known(film, "a").tasks
    film.with_suffix(".lock").unlink()  # as if it had been lost
    (film.parent / "renders/a.mp4").unlink()

    code, text = seedrender("adopt", film, "a", "--task", bought.task_id)

    assert (code, "the next run collects its clip" in text) == (0, True)
    assert plan(film)["a"][0] == "resume"
    assert run(film, "a") == 0
    assert [r.task_id for r in known(film, "a").tasks] == [bought.task_id]
    assert plan(film)["a"][0] == "current"


def lost(**fields: object) -> TaskRecord:
    return record("c9", JobState.UNKNOWN, **{"task_id": None, **fields})


def test_a_lost_submit_is_settled_by_the_task_that_a_person_found(film: Path) -> None:
    write(film, entry("a", lost()))

    _, text = seedrender("adopt", film, "a", "--task", "task-7")

    (settled,) = known(film, "a").tasks
    assert (settled.correlation_id, settled.task_id) == ("c9", "task-7")
    assert settled.state is JobState.SUBMITTED
    assert settled.fingerprint == lost().fingerprint
    assert "it settles the submit of 2026-11-23 10:00:00 UTC" in text
    assert "it is stale once it is collected" in text


def test_a_task_of_another_job_that_failed_settles_no_lost_submit(film: Path) -> None:
    failed = record("c1", JobState.FAILED, task_id=TaskId("task-7"))
    write(film, entry("a", lost()), entry("b", failed))

    with pytest.raises(ConfigError, match=r"task-7 is recorded already, for b \(failed\)"):
        seedrender("adopt", film, "a", "--task", "task-7")

    assert known(film, "a").tasks == (lost(),)


ID, ANOTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


def tells(monkeypatch: pytest.MonkeyPatch, sent_as: str) -> None:
    """Let the provider give back the id that a task was sent with."""

    async def look(*_: object) -> tuple[str, str]:
        return sent_as, ""

    monkeypatch.setattr(adopt, "_look_at", look)


def test_a_task_of_another_jobs_submit_is_not_adopted(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = replace(lost(), correlation_id=CorrelationId(ID))
    write(film, entry("a", lost()), entry("b", theirs))
    tells(monkeypatch, ID)

    words = "task task-7 was bought for b: its provider gives back the id of that submit"
    with pytest.raises(ConfigError, match=words):
        seedrender("adopt", film, "a", "--task", "task-7")

    assert known(film, "a").tasks == (lost(),)


@pytest.mark.parametrize("sent_as", [ID, ANOTHER, "masked"])
def test_of_lost_submits_that_one_is_settled_by_whose_id_a_task_was_sent(
    film: Path, monkeypatch: pytest.MonkeyPatch, sent_as: str
) -> None:
    first = replace(lost(), correlation_id=CorrelationId(ID))
    write(film, entry("a", first, lost()))
    tells(monkeypatch, sent_as)

    code, text = seedrender("adopt", film, "a", "--task", "task-7")

    settled = next(r for r in known(film, "a").tasks if r.task_id == "task-7")
    assert code == 0
    assert (settled.correlation_id == ID) is (sent_as == ID)
    assert (settled.correlation_id == "c9") is (sent_as == "masked")
    assert ("it settles the submit" in text) is (sent_as != ANOTHER)
    assert "another submit of this job is still unknown" in text


@pytest.mark.parametrize("is_given_up", [False, True])
@pytest.mark.parametrize("route", ["byteplus", "modellix"])
def test_a_lost_submit_is_not_settled_unseen_where_the_provider_tells_whose_a_task_is(
    film: Path, monkeypatch: pytest.MonkeyPatch, route: str, *, is_given_up: bool
) -> None:
    for name in ("ARK_API_KEY", "MODELLIX_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    film.write_text(FILM.replace("name: film", f"name: film\nprovider: {route}"))
    open_one = lost(provider=route)
    if is_given_up:
        open_one = replace(open_one, state=JobState.CANCELLED, error="given up by --resubmit")
    write(film, entry("a", open_one))
    words = ("adopt", film, "a", "--task", "task-7")

    if route == "modellix":  # which gives no id back
        assert seedrender(*words)[0] == 0
        return
    with pytest.raises(ConfigError, match=r"byteplus tells by which submit it made .* nothing was"):
        seedrender(*words)

    assert known(film, "a").tasks == (open_one,)
    seedrender("adopt", film, "b", "--task", "task-7")  # of which no answer was lost


def test_what_a_damaged_line_left_behind_is_settled_as_what_is_wanted_now(film: Path) -> None:
    guess = replace(
        lost(fingerprint=Fingerprint(digest="?"), provider="?"),
        correlation_id=CorrelationId(f"{GUESSED}c9"),
        submitted_at=None,
    )
    write(film, entry("a", guess))
    assert plan(film)["a"][0] == "unknown"

    seedrender("adopt", film, "a", "--task", "task-7")

    (settled,) = known(film, "a").tasks
    assert (settled.task_id, settled.provider) == ("task-7", "sim")
    assert plan(film)["a"] == ("resume", "task task-7 is at the provider, paid already")
    assert settled.fingerprint.parts


def test_of_two_lost_submits_the_other_one_is_still_told(film: Path) -> None:
    write(film, entry("a", lost(), replace(lost(), correlation_id=CorrelationId("c8"))))

    _, text = seedrender("adopt", film, "a", "--task", "task-7")

    assert "another submit of this job is still unknown" in text
    assert plan(film)["a"][0] in ("unknown", "resume")


def test_a_task_settles_a_lost_submit_that_was_given_up_before(film: Path) -> None:
    over = replace(lost(), state=JobState.CANCELLED, error="given up by --resubmit")
    bought = record("c8", JobState.SUCCEEDED, task_id="task-6")
    write(film, entry("a", over, bought, output=clip("c8", "renders/a.mp4")))

    _, text = seedrender("adopt", film, "a", "--task", "task-7")

    settled = next(r for r in known(film, "a").tasks if r.correlation_id == over.correlation_id)
    assert "it settles the submit of" in text
    assert settled.cost is not None
    assert (str(settled.cost.amount.value), settled.cost.source) == ("0", "adopt")
    assert settled.error == "given up by --resubmit"


def denied(**fields: Any) -> TaskRecord:
    """A task that a run could not have: its provider does not know it."""
    return record("c9", task_id="task-6", error="HTTP 404: no such task", **fields)


def test_a_task_that_a_provider_does_not_know_gives_way_to_the_right_one(film: Path) -> None:
    write(film, entry("a", denied()))

    code, text = seedrender("adopt", film, "a", "--task", "task-7")

    gone, right = known(film, "a").tasks
    assert (code, right.task_id, right.fingerprint) == (0, "task-7", denied().fingerprint)
    assert (
        "it takes the place of task task-6, which could not be had; its cost still counts" in text
    )
    assert (gone.state, gone.error) == (
        JobState.CANCELLED,  # the simulator's: nobody paid for it
        "given up by adopt: HTTP 404: no such task",
    )
    assert plan(film)["a"][0] == "resume"


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED])
def test_a_task_that_ended_without_a_clip_may_be_asked_for_again(
    film: Path, state: JobState
) -> None:
    write(film, entry("a", record("c9", state, task_id="task-6", error="x")))

    code, _ = seedrender("adopt", film, "a", "--task", "task-6")

    assert (code, plan(film)["a"]) == (
        0,
        ("resume", "task task-6 is at the provider, paid already"),
    )


def test_a_task_that_its_provider_does_not_know_is_not_adopted(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film.write_text(FILM.replace("name: film", "name: film\nprovider: modellix"))
    with simulator(SimSettings(key="k")) as base_url:
        monkeypatch.setenv("MODELLIX_BASE_URL", base_url)
        monkeypatch.setenv("MODELLIX_API_KEY", "k")
        with pytest.raises(ConfigError, match=r"does not know task task-6 .* Nothing was changed"):
            seedrender("adopt", film, "a", "--task", "task-6")
    monkeypatch.delenv("MODELLIX_API_KEY")

    code, text = seedrender("adopt", film, "a", "--task", "task-6")

    assert (code, "the provider was not asked for it: " in text) == (0, True)


def test_a_clip_that_a_person_fetched_by_hand_takes_the_place_of_a_task_that_no_run_could_have(
    film: Path,
) -> None:
    write(film, entry("a", denied(state=JobState.SUCCEEDED)))

    code, _ = seedrender("adopt", film, "a", "--file", film.parent / "mine.mp4")

    assert (code, plan(film)["a"][0]) == (0, "current")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        pytest.param(["a"], "either --task ID, or --file", id="neither"),
        pytest.param(["a", "--task", "x", "--file", "mine.mp4"], "either --task", id="both"),
        pytest.param(["a", "--provider", "sim", "--file", "mine.mp4"], "either", id="of whom"),
        pytest.param(["z", "--task", "x"], "no job, shot or chain matches 'z'", id="no job"),
        pytest.param(["fly", "--task", "x"], "is no job; it stands for fly/01", id="a chain"),
        pytest.param(["a", "--task", "x y"], "is no task id", id="a space"),
        pytest.param(["a", "--task", "\x1b[2J"], "is no task id", id="an escape"),
        pytest.param(["a", "--task", ""], "is no task id", id="empty"),
        pytest.param(
            ["a", "--task", "x", "--provider", "modellix"], "is rendered on sim", id="a route"
        ),
        pytest.param(["fly/02", "--task", "x"], "continues fly/01, which is missing", id="waits"),
        pytest.param(
            ["fly/02", "--file", "mine.mp4"], "render or adopt them first", id="waits too"
        ),
        pytest.param(["b", "--task", "x"], "has a task already, task-c1", id="live"),
        pytest.param(["b", "--file", "mine.mp4"], "has a task already, task-c1", id="live too"),
        pytest.param(["a", "--task", "task-c1"], "is recorded already, for b", id="known"),
    ],
)
def test_what_is_not_free_is_refused_with_words(
    film: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], error: str
) -> None:
    monkeypatch.chdir(film.parent)
    write(film, entry("b", record("c1")))
    before = film.with_suffix(".lock").read_bytes()

    with pytest.raises(ConfigError, match=error):
        seedrender("adopt", film, *words)

    assert film.with_suffix(".lock").read_bytes() == before
    assert not (film.parent / "renders/a.mp4").exists()


def test_a_file_does_not_settle_an_unknown_outcome(film: Path) -> None:
    write(film, entry("a", lost()))

    with pytest.raises(ConfigError, match="a paid task may exist"):
        seedrender("adopt", film, "a", "--file", film.parent / "mine.mp4")


def test_a_pinned_clip_stays_current_until_it_is_unpinned(film: Path) -> None:
    seedrender("adopt", film, "a", "--file", film.parent / "mine.mp4")

    assert seedrender("pin", film, "a", "b") == (0, "a is pinned\nb has no clip yet: not pinned\n")
    lock = film.with_suffix(".lock").read_bytes()
    assert seedrender("pin", film, "a")[1] == "a is pinned already\n"
    assert film.with_suffix(".lock").read_bytes() == lock

    film.write_text(FILM.replace("A kite", "A red kite"))
    assert plan(film)["a"][0] == "current"
    with pytest.raises(ConfigError, match="is pinned; `seedrender unpin` it first"):
        seedrender("adopt", film, "a", "--file", film.parent / "mine.mp4")

    assert seedrender("unpin", film, "a") == (0, "a is no longer pinned\n")
    assert plan(film)["a"][0] == "stale"
    said = json.loads(seedrender("unpin", film, "a", "--json")[1])
    assert said["jobs"] == [{"job": "a", "what": "was not pinned"}]


def test_there_is_nothing_to_pin_without_a_clip(film: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to pin"):
        seedrender("pin", film, "fly")
    with pytest.raises(ConfigError, match="no job, shot or chain matches 'z'"):
        seedrender("pin", film, "z")


def test_a_clip_of_another_container_takes_the_place_of_the_one_that_was_there(film: Path) -> None:
    assert run(film) == 0
    before = known(film, "a").output
    (film.parent / "mine.gif").write_bytes(contained("gif"))

    assert seedrender("adopt", film, "a", "--file", film.parent / "mine.gif")[0] == 0

    after = known(film, "a")
    assert before is not None
    assert after.output is not None
    assert after.output.path == "renders/a.gif"
    assert [p.name for p in (film.parent / "renders").glob("a.*")] == ["a.gif"]
    (aside,) = [record.superseded for record in after.tasks if record.superseded is not None]
    assert (film.parent / aside.path).stat().st_size == before.size_bytes
    assert plan(film)["a"][0] == "current"
    jobs = json.loads(seedrender("run", film, "--json")[1])["jobs"]
    assert [job["output"] for job in jobs[:2]] == ["renders/a.gif", "renders/b.mp4"]
    assert seedrender("verify", film)[0] == 0
    assert seedrender("report", film)[0] == 0
    page = film.with_suffix(".report.html").read_text()
    assert '<a href="renders/a.gif"><img class="still"' in page
    assert '<video controls preload="none" src="renders/b.mp4"' in page
