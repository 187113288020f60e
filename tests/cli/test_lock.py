"""`seedrender lock`, as a person uses it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ConfigError, LockCorruptError, LockHeldError, printable
from seedrender.lock import fold, lockfile
from seedrender.project.hold import journal_path
from seedrender.run import store
from seedrender.values.entry import JobState, Lock, LockEntry, Pin
from seedrender.values.money import Amount, Cost
from seedrender.values.task import Frame
from tests.builders import T0, clip, entry, record
from tests.cli.test_main import seedrender as process

FILM = """seedrender: 1
name: film
shots:
  a: {prompt: A kite over the sea.}
  b: {prompt: A fox in the snow.}
"""
CLIP = b"\x00\x00\x00\x18ftypmp42"  # begins one
COST = Cost(amount=Amount(Decimal("0.69"), "USD"), source="provider")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    film = tmp_path / "film.yaml"
    film.write_text(FILM)
    return film


def seedrender(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(
        cli, [str(w) for w in words], obj=State(), catch_exceptions=False, standalone_mode=False
    )
    return done.return_value, done.output


def write(film: Path, *entries: LockEntry) -> Path:
    lock = fold.fold(Lock(manifest="film.yaml"), entries)
    path = film.with_suffix(".lock")
    path.write_text(lockfile.dumps(lock), "utf-8")
    return path


def read(film: Path) -> Lock:
    return store.read(film.with_suffix(".lock"), film.name)


def done(job: str, name: str, **fields: object) -> LockEntry:
    made = record(name, JobState.SUCCEEDED, cost=COST)
    return entry(job, made, output=clip(name, f"renders/{job}.mp4"), **fields)


def test_what_is_known_is_shown_to_people(film: Path) -> None:
    write(film, done("a", "c1", pin=Pin(is_on=True, at=T0)), entry("b", record("c2", error="no")))

    code, text = seedrender("lock", "show", film)

    assert code == 0
    assert text.split("\n")[:9] == [
        "lockfile of film.yaml, 2 jobs",
        "",
        "a: done",
        "  pinned since 2026-11-23 10:00:00",
        "  clip renders/a.mp4: 864x496, 5 s, 1000 bytes, sha256 abababababab, 2026-11-23 10:00:00",
        "  task task-c1: succeeded, sim, 2026-11-23 10:00:00, 0.69 USD",
        "    correlation id c1, for sha256:aa",
        "",
        "b: submitted",
    ]


def test_a_lockfile_is_shown_by_its_own_path_also_with_conflict_markers(film: Path) -> None:
    path = write(film, done("a", "c1"))
    old = film.parent / "x7f_film"  # as git names the versions that it compares
    old.write_text(path.read_text() + "<<<<<<< HEAD\n=======\n>>>>>>> x\n")

    assert seedrender("lock", "show", path) == seedrender("lock", "show", old)


def test_no_line_of_another_is_shown_as_one_of_ours(film: Path) -> None:
    bill = Cost(amount=Amount(Decimal(1), "x\n::error::forged"), source="y\nz")
    write(film, entry("a", record("c1", JobState.FAILED, error="x\n::error::forged", cost=bill)))

    for words in (["lock", "show"], ["status"], ["plan"]):
        assert not any(row.startswith("::") for row in seedrender(*words, film)[1].splitlines())


def test_one_job_is_shown_as_json(film: Path) -> None:
    write(film, done("a", "c1"), done("b", "c2"))

    code, text = seedrender("lock", "show", film, "b", "--json")

    found = json.loads(text)
    assert (code, [job["job"] for job in found["jobs"]]) == (0, ["b"])
    with pytest.raises(ConfigError, match="knows no job that matches 'c'"):
        seedrender("lock", "show", film, "c")


HOSTILE = "a\x1b]0;owned\x07\x9b31m\u202e\u2066\x00"


@pytest.mark.parametrize("command", [["status"], ["lock", "show"]])
def test_a_terminal_obeys_nothing_that_a_lock_says(film: Path, command: list[str]) -> None:
    evil = record("c1", JobState.FAILED, error=HOSTILE, task_id=HOSTILE, provider=HOSTILE)
    write(film, entry(HOSTILE, evil))

    code, text = seedrender(*command, film)

    assert code == 0
    assert "\\x1b]0;owned" in text
    assert text == "\n".join(map(printable, text.split("\n")))


def test_an_entry_gets_another_id_and_nothing_is_lost(film: Path) -> None:
    write(film, done("old", "c1"), done("old@2", "c2"), done("older", "c3"))

    code, text = seedrender("lock", "mv", film, "old", "b")

    assert code == 0
    assert text.startswith("old is b now\nold@2 is b@2 now\n")
    assert {job: [r.task_id for r in e.tasks] for job, e in read(film).entries.items()} == {
        "b": ["task-c1"],
        "b@2": ["task-c2"],
        "older": ["task-c3"],
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("nobody", "x", "knows no job, shot or chain 'nobody'"),
        ("a", "b", "has an entry of b already"),
        ("a", "../x", "is no id"),
        ("a", "a\n", "is no id"),
    ],
)
def test_a_rename_that_would_mix_jobs_is_refused(
    film: Path, old: str, new: str, words: str
) -> None:
    path = write(film, done("a", "c1"), done("b", "c2"))
    before = path.read_bytes()

    with pytest.raises(ConfigError, match=words):
        seedrender("lock", "mv", film, old, new)

    assert path.read_bytes() == before
    assert not journal_path(path).exists()


def test_what_prune_would_remove_and_what_was_paid_for_it_is_said_first(film: Path) -> None:
    path = write(
        film,
        done("a", "c1"),
        done("gone", "c2"),
        entry("gone/2", record("c3", JobState.FAILED)),
        entry("runs", record("c4")),
        entry("lost", record("c5", JobState.UNKNOWN, task_id=None)),
        done("pinned", "c6", pin=Pin(is_on=True, at=T0)),
    )
    before = path.read_bytes()

    _, text = seedrender("lock", "prune", film)
    rows = json.loads(seedrender("lock", "prune", film, "--json")[1])["entries"]

    assert path.read_bytes() == before
    assert "2 entries to be removed; 0.69 USD + 1 of unknown cost was paid for them." in text
    assert {row["job"]: row["kept_for"] for row in rows} == {
        "gone": None,
        "gone/2": None,
        "lost": "a paid task may exist: its outcome is unknown",
        "pinned": "it is pinned",
        "runs": "task task-c4 is at the provider, paid already",
    }

    code, text = seedrender("lock", "prune", film, "--yes")

    assert (code, "2 entries removed" in text) == (0, True)
    assert set(read(film).entries) == {"a", "lost", "pinned", "runs"}
    assert seedrender("lock", "prune", film, "--yes")[0] == 0


def test_clips_are_deleted_only_on_request_and_only_where_they_are_what_was_noted(
    film: Path,
) -> None:
    (film.parent / "renders").mkdir()
    for name, content in (("gone", b"1"), ("other", b"changed"), ("shared", b"2"), ("kept", b"3")):
        (film.parent / f"renders/{name}.mp4").write_bytes(CLIP + content)

    def made(job: str, name: str, path: str, content: bytes) -> LockEntry:
        output = replace(
            clip(name, f"renders/{path}.mp4"),
            sha256=hashlib.sha256(CLIP + content).hexdigest(),
            size_bytes=len(CLIP + content),
        )
        return entry(job, record(name, JobState.SUCCEEDED), output=output)

    write(
        film,
        made("gone", "c1", "gone", b"1"),
        made("other", "c2", "other", b"noted"),
        made("shared", "c3", "shared", b"2"),
        made("a", "c4", "shared", b"2"),
    )

    seedrender("lock", "prune", film, "--yes", "--clips")

    left = {path.name for path in (film.parent / "renders").iterdir()}
    assert left == {"other.mp4", "shared.mp4", "kept.mp4"}
    assert set(read(film).entries) == {"a"}


def test_a_last_frame_is_shown_and_goes_with_the_clips(film: Path) -> None:
    (film.parent / "renders").mkdir()
    content = b"\x89PNG\r\n\x1a\npicture"
    for name in ("gone.png", "changed.png"):
        (film.parent / "renders" / name).write_bytes(content)

    def framed(job: str, name: str, sha256: str) -> LockEntry:
        frame = Frame(path=f"renders/{name}", sha256=sha256, size_bytes=len(content))
        return entry(job, record(job, JobState.FAILED, last_frame=frame))

    digest = hashlib.sha256(content).hexdigest()
    write(film, framed("gone", "gone.png", digest), framed("other", "changed.png", "ab" * 32))
    text = seedrender("lock", "show", film)[1]

    seedrender("lock", "prune", film, "--yes", "--clips")

    assert "    its last frame: renders/gone.png" in text.split("\n")
    assert [path.name for path in (film.parent / "renders").iterdir()] == ["changed.png"]


def test_what_the_lockfile_of_a_manifest_beside_names_is_not_pruned(film: Path) -> None:
    (film.parent / "renders").mkdir()
    content = b"\x89PNG\r\n\x1a\npicture"
    (film.parent / "renders/frame.png").write_bytes(content)
    frame = Frame(
        path="renders/frame.png",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
    )
    moved = entry("gone", record("gone", JobState.FAILED, last_frame=frame))
    write(film, moved)
    (film.parent / "act1.yaml").write_text(FILM)
    beside = Lock(manifest="act1.yaml", entries={moved.job: moved})
    (film.parent / "act1.lock").write_text(lockfile.dumps(beside))

    seedrender("lock", "prune", film, "--yes", "--clips")

    assert (film.parent / "renders/frame.png").read_bytes() == content
    assert read(film).entries == {}


def test_the_only_copy_of_what_a_manifest_beside_names_elsewhere_is_not_pruned(film: Path) -> None:
    """A colleague has split the film, and this clone has not run the other part yet."""
    (film.parent / "renders").mkdir()
    content = CLIP + b"1"
    for name in ("gone", "twice"):
        (film.parent / f"renders/{name}.mp4").write_bytes(content + name.encode())

    def made(name: str, folder: str) -> LockEntry:
        whole = content + name.encode()
        digest = hashlib.sha256(whole).hexdigest()
        output = replace(clip(name, f"{folder}/{name}.mp4"), sha256=digest, size_bytes=len(whole))
        return entry(name, record(name, JobState.SUCCEEDED), output=output)

    write(film, made("gone", "renders"), made("twice", "renders"))
    (film.parent / "act1.yaml").write_text(FILM)
    (film.parent / "act1").mkdir()
    (film.parent / "act1/twice.mp4").write_bytes(content + b"twice")
    beside = [made("gone", "act1"), made("twice", "act1")]
    lock = Lock(manifest="act1.yaml", entries={one.job: one for one in beside})
    (film.parent / "act1.lock").write_text(lockfile.dumps(lock))

    _, text = seedrender("lock", "prune", film, "--yes", "--clips")

    assert [path.name for path in (film.parent / "renders").iterdir()] == ["gone.mp4"]
    assert "1 clip deleted" in text
    assert "renders/gone.mp4 stays: no other file here has these bytes" in text


def test_a_renamed_job_is_no_orphan(film: Path) -> None:
    write(film, done("old", "c1"))
    film.write_text(FILM + "moved: [{from: old, to: b}]\n")

    assert "nothing to prune" in seedrender("lock", "prune", film)[1]


def test_upgrade_writes_one_line_a_job(film: Path) -> None:
    path = write(film, done("a", "c1"))
    whole = path.read_text()
    path.write_text(whole + lockfile.entry_line(entry("a", record("c2", JobState.FAILED))))

    assert "written anew" in seedrender("lock", "upgrade", film)[1]
    assert path.read_text().count('{"job"') == 1
    assert "already" in seedrender("lock", "upgrade", film)[1]
    path.unlink()
    with pytest.raises(ConfigError, match="nothing was rendered yet"):
        seedrender("lock", "upgrade", film)


def test_other_lockfiles_are_joined_and_a_journal_too(film: Path) -> None:
    path = write(film, done("a", "c1"))
    other = film.parent / "theirs.lock"
    other.write_text(
        '{"lock": 1, "manifest": "film.yaml"}\n' + lockfile.entry_line(done("b", "c2"))
    )
    journal = journal_path(path)
    journal.write_bytes(b'{"journal": 1}\n' + lockfile.journal_line(entry("b", record("c3"))))

    code, text = seedrender("lock", "merge", film, other)

    assert (code, "2 jobs with 3 tasks, none lost" in text, journal.exists()) == (0, True, False)
    assert "as it should be" in seedrender("lock", "merge", film)[1]
    with pytest.raises(ConfigError, match="%O %A %B %P"):
        seedrender("lock", "merge", "--driver", film)


def damage(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def test_a_damaged_journal_is_told_and_repaired(film: Path) -> None:
    path = write(film, done("a", "c1"))
    journal = journal_path(path)
    lines = [
        lockfile.journal_line(entry(job, record(name))) for job, name in (("a", "c2"), ("b", "c3"))
    ]
    journal.write_bytes(b'{"journal": 1}\n' + b"".join(lines) + lines[0][:30])
    damage(journal, b'"submitted_at": "2026', b'"submitted_at": "\x00\x00\x00\x00')

    with pytest.raises(LockCorruptError, match=r"film\.lock\.journal:2: .*seedrender lock repair"):
        seedrender("plan", film)
    code, text = seedrender("lock", "repair", film)

    assert code == 0
    assert "(a): this line is not as it was written" in text
    assert f"seedrender adopt {film} b --task task-c3" in text
    assert "film.lock.damaged-1, film.lock.journal.damaged-1" in text
    assert (film.parent / "film.lock.journal.damaged-1").exists()
    assert not journal.exists()
    states = {job: fold.job_state(e) for job, e in read(film).entries.items()}
    assert states == {"a": JobState.UNKNOWN, "b": JobState.UNKNOWN}
    assert "none of them damaged" in seedrender("lock", "repair", film)[1]


def test_a_repair_that_could_buy_twice_needs_a_word(film: Path) -> None:
    path = write(film, done("a", "c1"), done("b", "c2"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])

    code, text = seedrender("lock", "repair", film)
    rows = json.loads(seedrender("lock", "repair", film, "--json")[1])

    assert (code, rows["exit_code"]) == (3, 3)
    assert "it ends here, within a line" in text
    assert "git restore" not in text  # there is no commit that would have it
    assert "Look at the provider's console" in text
    assert path.read_bytes() == whole[:-20]

    assert seedrender("lock", "repair", film, "--accept-loss")[0] == 0
    assert (film.parent / "film.lock.damaged-1").read_bytes() == whole[:-20]
    assert {r.task_id for r in read(film).entries[entry("b").job].tasks} >= {"task-c2"}


def test_a_lock_of_another_manifest_is_refused_by_every_command(film: Path) -> None:
    path = write(film, done("a", "c1"))
    path.write_text(path.read_text().replace("film.yaml", "other.yaml"))
    (film.parent / "other.yaml").write_text(FILM)  # it is there: this is no rename
    before = path.read_bytes()

    for words in (["merge"], ["repair"], ["upgrade"], ["mv", "a", "b"], ["prune", "--yes"]):
        with pytest.raises(LockCorruptError, match=r"belongs to .?other\.yaml"):
            seedrender("lock", words[0], film, *words[1:])

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "words", [["merge"], ["repair"], ["upgrade"], ["mv", "a", "c"], ["prune", "--yes"]]
)
def test_a_lock_that_a_run_holds_is_left_alone(film: Path, words: list[str]) -> None:
    path = write(film, done("a", "c1"), done("gone", "c2"))
    before = path.read_bytes()

    with (
        store.claimed(path, film.name),
        pytest.raises(LockHeldError, match="held by another run"),
    ):
        seedrender("lock", words[0], film, *words[1:])

    assert path.read_bytes() == before


def test_repair_goes_on_where_the_manifest_is_wrong(film: Path) -> None:
    write(film, done("a", "c1"))
    film.write_text("seedrender: 1\nname: film\nshots: 7\n")

    code, text = seedrender("lock", "repair", film)

    assert (code, "none of them damaged" in text) == (0, True)


Harm = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"\x00" * 512, id="zeroes"),
        pytest.param(lambda text: text[: len(text) // 2], id="half"),
        pytest.param(lambda text: b"<<<<<<< x\n" + text, id="markers"),
        pytest.param(lambda text: text.replace(b'"lock": 1', b'"lock": 3'), id="newer"),
        pytest.param(lambda text: text.replace(b"film.yaml", b"x.yaml"), id="another"),
        pytest.param(lambda text: text.replace(b"2026", b"\xff\xff"), id="no text"),
        pytest.param(
            lambda text: text.replace(b'"tasks": [', b'"tasks": [' + b"[" * 9999), id="deep"
        ),
    ],
)
@pytest.mark.parametrize("name", ["status", "plan", "verify", "report"])
def test_a_damaged_lockfile_is_exit_code_3_with_a_way_out(
    film: Path, harm: Harm, name: str
) -> None:
    path = write(film, done("a", "c1"))
    path.write_bytes(harm(path.read_bytes()))
    (film.parent / "x.yaml").write_text("another manifest\n")

    done_by_name = process(film.parent, name, film.name)

    assert (done_by_name.returncode, "Traceback" in done_by_name.stderr) == (3, False)
    ways = ("restore", "seedrender lock", "upgrade seedrender", "another name")
    assert any(way in done_by_name.stderr for way in ways)
