"""Two branches that rendered, and plain `git merge`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from seedrender.errors import LockCorruptError, LockError
from seedrender.lock import fold, lockfile, merge
from seedrender.project.files import write_atomically
from seedrender.project.purchases import PurchaseLog
from seedrender.run import store, upkeep
from seedrender.values.entry import JobState, LockEntry
from seedrender.values.job import JobId
from tests.builders import clip, entry, record
from tests.run.git import Repository

UNION = "*.lock merge=union\n"


def rendered(job: str, name: str, minute: int = 0) -> LockEntry:
    made = record(name, JobState.SUCCEEDED)
    return entry(job, made, output=clip(name, f"renders/{job}.mp4", minute=minute))


PAID = entry("a", record("c1", JobState.SUCCEEDED, provider="modellix"), output=clip("c1"))
A, B, C = rendered("a", "c1"), rendered("b", "c2"), rendered("c", "c3")
BOTH = [
    pytest.param(
        [], [rendered("a", "c1")], [rendered("b", "c2")], id="the first job of each branch"
    ),
    pytest.param(
        [rendered("a", "c0"), rendered("h", "c9")],
        [rendered("b", "c1")],
        [rendered("g", "c2")],
        id="different jobs",
    ),
    pytest.param(
        [rendered("a", "c0"), rendered("b", "c9")],
        [rendered("a", "c1", 1)],
        [rendered("b", "c2", 1)],
        id="neighbours rendered anew",
    ),
    pytest.param(
        [rendered("a", "c0")], [rendered("g", "c1")], [rendered("h", "c2")], id="both at the end"
    ),
    pytest.param(
        [rendered("a", "c0")], [rendered("b", "c1")], [rendered("b", "c2", 1)], id="the same job"
    ),
    pytest.param(
        [rendered("b", "c0")],
        [rendered("b", "c1", 1)],
        [rendered("b", "c2", 2)],
        id="the same job, rendered before",
    ),
    pytest.param(
        [entry("b", record("c0", JobState.SUBMITTED))],
        [rendered("b", "c0", 1)],
        [entry("b", record("c0", JobState.FAILED))],
        id="one task, known further on each",
    ),
    pytest.param(
        [rendered(name, f"c{name}") for name in "abcdefgh"],
        [rendered("d", "c1", 1)],
        [rendered("d", "c2", 2), rendered("e", "c3", 1)],
        id="in the middle",
    ),
]


def joined(before: list[LockEntry], ours: list[LockEntry], theirs: list[LockEntry]) -> str:
    lock = fold.fold(lockfile.loads('{"lock": 1, "manifest": "film.yaml"}', "film.lock"), before)
    return lockfile.dumps(fold.fold(lock, [*ours, *theirs]))


@pytest.mark.parametrize(("before", "ours", "theirs"), BOTH)
def test_two_branches_merge_with_the_union_attribute(
    tmp_path: Path, before: list[LockEntry], ours: list[LockEntry], theirs: list[LockEntry]
) -> None:
    repository = Repository(tmp_path, UNION)
    repository.render(*before)

    conflicts = repository.merge_two(ours, theirs)

    assert conflicts == 0
    assert lockfile.dumps(repository.read()) == joined(before, ours, theirs)


@pytest.mark.parametrize("attributes", [UNION, ""])
def test_a_lockfile_that_both_branches_began_is_joined(tmp_path: Path, attributes: str) -> None:
    repository = Repository(tmp_path, attributes)
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "nothing is rendered yet")
    ours, theirs = [rendered("a", "c1")], [rendered("b", "c2")]

    conflicts = repository.merge_two(ours, theirs)
    if conflicts:
        upkeep.merge_files(repository.lock_path, "film.yaml", [])

    assert bool(conflicts) == (not attributes)
    assert lockfile.dumps(repository.read()) == joined([], ours, theirs)


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
@pytest.mark.parametrize(("before", "ours", "theirs"), BOTH)
def test_conflict_markers_are_resolved_by_hand(
    tmp_path: Path,
    before: list[LockEntry],
    ours: list[LockEntry],
    theirs: list[LockEntry],
    style: str,
) -> None:
    repository = Repository(tmp_path)
    repository.git("config", "merge.conflictStyle", style)
    repository.render(*before)
    if repository.merge_two(ours, theirs):
        with pytest.raises(LockCorruptError, match="seedrender lock merge"):
            repository.read()

    upkeep.merge_files(repository.lock_path, "film.yaml", [])

    assert repository.lock_path.read_text("utf-8") == joined(before, ours, theirs)


@pytest.mark.parametrize(("before", "ours", "theirs"), BOTH)
def test_seedrender_is_a_merge_driver(
    tmp_path: Path, before: list[LockEntry], ours: list[LockEntry], theirs: list[LockEntry]
) -> None:
    repository = Repository(tmp_path, "*.lock merge=seedrender diff=seedrender\n")
    program = f'"{sys.executable}" -m seedrender lock'
    repository.git("config", "merge.seedrender.driver", f"{program} merge --driver %O %A %B %P")
    repository.git("config", "diff.seedrender.textconv", f"{program} show")
    repository.render(*before)

    conflicts = repository.merge_two(ours, theirs)
    shown = repository.git("diff", "HEAD^1^", "--", "film.lock").stdout

    assert conflicts == 0
    assert repository.lock_path.read_text("utf-8") == joined(before, ours, theirs)
    task = ours[0].tasks[0]
    assert f"+  task {task.task_id}: {task.state.value}, sim" in shown


def test_a_side_that_cannot_be_read_is_left_between_markers(tmp_path: Path) -> None:
    whole, torn = tmp_path / "ours", tmp_path / "theirs"
    whole.write_text('{"lock": 1, "manifest": "film.yaml"}\n')
    torn.write_bytes(b'{"lock": 1, "manifest": "film.yaml"}\n{"job": "a\xff"')

    with pytest.raises(LockCorruptError, match=r"film\.lock \(theirs\):2"):
        upkeep.merge_driver(whole, torn, "film.lock")

    kept = whole.read_bytes()
    assert merge.is_marked(kept.decode("utf-8", "replace"))
    assert b'{"job": "a\xff"' in kept


def unmerged(folder: Path, attribute: str) -> Repository:
    """Return a repository in which a merge stopped, with one side of the lockfile in its tree."""
    repository = Repository(folder, f"*.lock {attribute}\n")
    repository.git("config", "merge.gone.driver", "no-such-program --driver %O %A %B")
    repository.render(A)
    repository.merge_two([B], [C])
    assert "<<<<" not in repository.lock_path.read_text("utf-8")
    return repository


@pytest.mark.parametrize("attribute", ["merge=gone", "-merge", "binary"])
def test_half_a_merge_is_refused_until_both_sides_are_joined(
    tmp_path: Path, attribute: str
) -> None:
    repository = unmerged(tmp_path, attribute)
    with pytest.raises(LockCorruptError, match=r"is not merged: .*`seedrender lock merge`"):
        store.read(repository.lock_path, "film.yaml")

    upkeep.merge_files(repository.lock_path, "film.yaml", [])

    assert set(store.read(repository.lock_path, "film.yaml").entries) == {"a", "b", "c"}
    repository.git("add", "film.lock")
    assert set(store.read(repository.lock_path, "film.yaml").entries) == {"a", "b", "c"}


@pytest.mark.parametrize("damage", ["", "x"])
def test_a_repair_takes_the_side_that_git_keeps(tmp_path: Path, damage: str) -> None:
    repository = unmerged(tmp_path, "-merge")
    text = repository.lock_path.read_text("utf-8")
    repository.lock_path.write_text(text + damage)

    upkeep.repair_files(repository.lock_path, "film.yaml", ["a", "b", "c"], accept_loss=True)

    assert set(store.read(repository.lock_path, "film.yaml").entries) == {"a", "b", "c"}


def test_a_lockfile_that_git_alone_has_is_not_taken_for_none(tmp_path: Path) -> None:
    repository = Repository(tmp_path, UNION)
    repository.render(PAID)
    repository.lock_path.unlink()

    with pytest.raises(LockCorruptError, match=r"git has it.*git restore"):
        store.read(repository.lock_path, "film.yaml")
    upkeep.merge_files(repository.lock_path, "film.yaml", [])

    assert set(store.read(repository.lock_path, "film.yaml").entries) == {"a"}


def test_a_lockfile_that_a_person_deletes_may_be_gone_where_all_of_it_is_remembered(
    tmp_path: Path,
) -> None:
    repository = Repository(tmp_path, UNION)
    repository.render(PAID)
    known = store.read(repository.lock_path, "film.yaml")
    assert PurchaseLog(repository.lock_path).keep(known, write_atomically) == ""
    repository.lock_path.unlink()

    assert store.read(repository.lock_path, "film.yaml").entries == {}
    repository.git("rm", "-q", "--cached", "film.lock")
    (tmp_path / ".seedrender/film.lock").unlink()
    assert store.read(repository.lock_path, "film.yaml").entries == {}


def test_nobody_misses_a_lockfile_of_simulated_clips(tmp_path: Path) -> None:
    repository = Repository(tmp_path, UNION)
    repository.render(A)
    repository.lock_path.unlink()

    assert store.read(repository.lock_path, "film.yaml").entries == {}


@pytest.mark.parametrize("is_linked", [False, True])
def test_in_the_middle_of_a_merge_git_must_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_linked: bool
) -> None:
    repository = unmerged(tmp_path, "-merge")
    if is_linked:  # as that of a submodule
        (tmp_path / ".git").rename(tmp_path / "elsewhere")
        (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LockCorruptError, match=r"a merge goes on here.*git is not installed"):
        store.read(repository.lock_path, "film.yaml")


def test_without_a_merge_nobody_needs_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository(tmp_path, UNION)
    repository.render(A)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert set(store.read(repository.lock_path, "film.yaml").entries) == {"a"}


@pytest.mark.parametrize("is_gone", [False, True])
def test_both_sides_are_joined_also_where_the_file_is_gone(
    tmp_path: Path, *, is_gone: bool
) -> None:
    repository = unmerged(tmp_path, "-merge")
    known = lockfile.loads(repository.lock_path.read_text("utf-8"), "film.lock")
    assert PurchaseLog(repository.lock_path).keep(known, write_atomically) == ""
    if is_gone:
        repository.lock_path.unlink()
    with pytest.raises(LockCorruptError, match=r"is not merged: .*`seedrender lock merge`"):
        store.read(repository.lock_path, "film.yaml")

    upkeep.merge_files(repository.lock_path, "film.yaml", [])

    assert set(store.read(repository.lock_path, "film.yaml").entries) == {"a", "b", "c"}


def test_what_git_has_and_cannot_give_is_refused(tmp_path: Path) -> None:
    repository = Repository(tmp_path, UNION)
    repository.render(PAID)
    repository.lock_path.unlink()
    name = repository.git("rev-parse", ":film.lock").stdout.strip()
    (tmp_path / ".git/objects" / name[:2] / name[2:]).unlink()

    with pytest.raises(LockCorruptError, match=r"git has film\.lock, and cannot give what it has"):
        store.read(repository.lock_path, "film.yaml")


def test_a_pull_during_a_run_that_git_cannot_merge_stops_the_buying(tmp_path: Path) -> None:
    repository = Repository(tmp_path, "*.lock -merge\n")
    repository.render(A)
    repository.git("checkout", "-q", "-b", "theirs")
    repository.render(C)
    repository.git("checkout", "-q", "main")
    repository.render(B)

    async def run() -> None:
        async with store.hold(repository.lock_path, "film.yaml") as held:
            await held.intend(JobId("d"), record("c8", JobState.SUBMITTING, task_id=None))
            repository.git("merge", "-q", "--no-edit", "theirs")
            await held.intend(JobId("c"), record("c9", JobState.SUBMITTING, task_id=None))

    with pytest.raises(LockError, match="written by somebody else"):
        asyncio.run(run())
