"""`plan --against`, in repositories that are made for it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from seedrender.cli.against import as_markdown
from seedrender.errors import ConfigError, LockError
from seedrender.plan.against import Changed, Comparison, Sum
from seedrender.plan.decision import Verdict
from seedrender.plan.explain import Difference
from seedrender.plan.make import Step
from seedrender.run import git
from tests.builders import job
from tests.cli.test_promise import FILM, LAMP, edit, seedrender

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def run_git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        [shutil.which("git") or "git", *who, *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest in a folder of a repository, as of its branch `main`."""
    films = tmp_path / "films"
    films.mkdir()
    (films / "film.yaml").write_text(FILM)
    shutil.copy(LAMP, films / "hero.jpg")
    run_git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    monkeypatch.chdir(films)
    return films


def commit(folder: Path) -> None:
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-q", "-m", "as it is")


def compared(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        seedrender("plan", "film.yaml", *words, "--against", "main", "--json")
    )
    return found


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["job"] for row in rows]


def test_nothing_differs_from_what_is_checked_in(folder: Path) -> None:
    found = compared()

    assert (found["added"], found["changed"], found["removed"], found["renamed"]) == (
        [],
        [],
        [],
        [],
    )
    assert found["unchanged"] == 4
    assert found["cost"]["difference"]["expected"] == "0.00 USD"
    assert run_git(folder, "status", "--short") == ""


def test_what_a_branch_changes_is_said_with_its_price(folder: Path) -> None:
    edit(folder, "closer: {prompt: A boat.}", "finale: {prompt: A boat.}\n  late: {prompt: A dog.}")
    edit(folder, "[{duration: 4}, ", "[{duration: 5}, ")
    edit(folder, '  opener: {prompt: "A {{ vars.thing }} over {{ ref.hero }}.", duration: 4}\n', "")

    found = compared()

    assert ids(found["added"]) == ["late"]
    assert [
        (c["job"], [p["part"] for p in c["parts"]], c["follows"]) for c in found["changed"]
    ] == [
        ("fly/01", ["duration_s"], None),
        ("fly/02", [], "fly/01"),
    ]
    assert found["removed"] == [{"job": "opener", "tasks": 0, "paid": []}]
    assert found["renamed"] == [{"from": "closer", "to": "finale"}]
    assert found["cost"]["before"]["expected"] == "0.897 USD"
    assert found["cost"]["now"]["expected"] == "1.035 USD"
    assert found["cost"]["difference"]["expected"] == "0.138 USD"
    assert found["cost"]["to_buy"] == {
        "low": "0.69 USD",
        "expected": "0.69 USD",
        "high": "0.69 USD",
        "unknown_jobs": 1,
    }


def test_a_rename_that_the_manifest_tells_and_a_picture_are_seen(folder: Path) -> None:
    edit(folder, "  closer: {prompt: A boat.}", "  finale: {prompt: A ship.}")
    edit(folder, "name: film\n", "name: film\nmoved: [{from: closer, to: finale}]\n")
    (folder / "hero.jpg").write_bytes((folder / "hero.jpg").read_bytes() + b"more")

    found = compared()

    assert found["renamed"] == [{"from": "closer", "to": "finale"}]
    assert [(c["job"], [p["part"] for p in c["parts"]]) for c in found["changed"]] == [
        ("opener", ["references"]),
        ("finale", ["prompt"]),
    ]


def test_includes_and_rows_are_read_as_they_were(folder: Path) -> None:
    (folder.parent / "shared.yaml").write_text("vars: {thing: drone}\n")
    (folder / "rows.csv").write_text("id,what\na,cat\nb,dog\n")
    edit(folder, "vars: {thing: kite}", "include: [../shared.yaml]")
    edit(
        folder, "closer: {prompt: A boat.}", "closer: {prompt: 'A {{ what }}.', foreach: rows.csv}"
    )
    commit(folder.parent)
    (folder.parent / "shared.yaml").write_text("vars: {thing: kite}\n")
    (folder / "rows.csv").write_text("id,what\nb,dog\nc,fox\n")

    found = compared()

    assert (ids(found["added"]), ids(found["removed"])) == (["closer/c"], ["closer/a"])
    assert ids(found["changed"]) == ["opener"]
    assert ids(compared("closer/b", "fly")["changed"]) == []


def test_a_picture_that_git_lfs_keeps_is_known_by_its_digest(folder: Path) -> None:
    whole = (folder / "hero.jpg").read_bytes()
    oid = hashlib.sha256(whole).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(whole)}\n"
    (folder / "hero.jpg").write_text(pointer)
    commit(folder.parent)
    (folder / "hero.jpg").write_bytes(whole)

    assert compared()["unchanged"] == 4


def test_a_picture_that_git_does_not_keep_is_taken_as_unchanged_and_named(folder: Path) -> None:
    run_git(folder, "rm", "-q", "--cached", "hero.jpg")
    (folder / ".gitignore").write_text("*.jpg\n")
    commit(folder.parent)

    found = compared()

    assert (found["unchanged"], found["notes"]) == (
        4,
        ["hero.jpg is not in git at main: taken as unchanged"],
    )


def test_what_was_paid_for_a_removed_job_is_read_from_the_lock(folder: Path) -> None:
    task = {
        "correlation_id": "c1",
        "task_id": "task-1",
        "fingerprint": "sha256:aa",
        "state": "succeeded",
        "submitted_at": "2026-11-23T10:00:00Z",
        "cost": {"amount": "0.69", "currency": "USD", "source": "provider"},
    }
    other = {**task, "correlation_id": "c2", "cost": {**task["cost"], "source": "simulated"}}  # type: ignore[dict-item]
    entry = {"job": "closer", "provider": "modellix", "tasks": [task, other]}
    head = {"lock": 1, "manifest": "film.yaml"}
    (folder / "film.lock").write_text(f"{json.dumps(head)}\n{json.dumps(entry)}\n")
    commit(folder.parent)
    (folder / "film.lock").write_text(f"{json.dumps(head)}\n")
    edit(folder, "  closer: {prompt: A boat.}\n", "")

    assert compared()["removed"] == [{"job": "closer", "tasks": 2, "paid": ["0.69 USD"]}]
    assert "`closer` 0.69 USD was paid" in seedrender("plan", "film.yaml", "--against", "main")


def test_a_lock_that_was_torn_then_is_said(folder: Path) -> None:
    (folder / "film.lock").write_text("torn")
    commit(folder.parent)
    (folder / "film.lock").unlink()

    with pytest.raises(LockError, match=r"at main: film\.lock:1"):
        compared()


def test_mistakes_of_then_are_passed_over_and_counted(folder: Path) -> None:
    edit(folder, "prompt: A boat.", "promt: A boat.")
    commit(folder.parent)
    edit(folder, "promt: A boat.", "prompt: A boat.")

    found = compared("--profile", "long")

    assert ids(found["added"]) == ["closer"]
    assert "mistakes of the manifest at main were passed over" in found["notes"][0]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("ref", ["nope", "--output=x", "main:films", "", "-", "HEAD\n", "a b"])
def test_a_ref_that_names_no_commit_is_refused(ref: str) -> None:
    with pytest.raises(ConfigError, match="there is no such commit here"):
        seedrender("plan", "film.yaml", f"--against={ref}")


def test_of_a_manifest_that_is_new_all_is_added(folder: Path) -> None:
    (folder / "new.yaml").write_text(FILM)

    said = seedrender("plan", "new.yaml", "--against", "main", "--json")

    found = json.loads(said)
    assert (len(found["added"]), found["removed"], found["unchanged"]) == (4, [], 0)
    assert found["notes"] == ["new.yaml is not there at main: all of it is new"]


def test_a_manifest_that_said_nothing_then_is_refused(folder: Path) -> None:
    (folder / "film.yaml").write_text("[")
    commit(folder.parent)
    (folder / "film.yaml").write_text(FILM)

    with pytest.raises(ConfigError, match="the manifest at main is wrong"):
        compared()


def test_without_git_or_a_repository_the_words_say_so(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copy(folder / "film.yaml", elsewhere)
    shutil.copy(folder / "hero.jpg", elsewhere)

    with pytest.raises(ConfigError, match="git: fatal: not a git repository"):
        seedrender("plan", str(elsewhere / "film.yaml"), "--against", "main")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="git is not installed"):
        compared()


def test_variables_of_git_lead_to_no_other_repository(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("other")))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "nonsense")

    assert compared()["unchanged"] == 4
    assert folder.exists()


def test_a_folder_of_the_tree_brings_git_no_settings(folder: Path) -> None:
    """A bare repository that is checked in looks like one to git, with a config of its own."""
    run_git(folder, "init", "-q", "--bare", "trap")
    trap = folder / "trap"
    (trap / "film.yaml").write_text(FILM)
    shutil.copy(LAMP, trap / "hero.jpg")

    with pytest.raises(ConfigError, match="git: fatal: cannot use bare repository"):
        seedrender("plan", str(trap / "film.yaml"), "--against", "main")


def test_links_are_followed_inside_the_commit_only(folder: Path) -> None:
    (folder / "inner").symlink_to("film.yaml")
    (folder / "outer").symlink_to("/etc/hostname")
    (folder / "round").symlink_to("round")
    (folder / "gone").symlink_to("nowhere")
    commit(folder.parent)

    with git.commit(folder, "main") as at:
        assert at.text("inner") == FILM
        for name in (
            "outer",
            "round",
            "gone",
            "film.yaml/x",
            "../films",
            "../../x",
            "a\nb",
            "/etc",
        ):
            assert at.sha256(name) is None
            with pytest.raises(ConfigError, match="is no file in"):
                at.text(name)
        assert at.text("../films/film.yaml") == FILM
        assert at.sha256("hero.jpg") == hashlib.sha256(LAMP.read_bytes()).hexdigest()
        with pytest.raises(ConfigError, match="is not UTF-8"):
            at.text("hero.jpg")


def test_a_name_of_strange_bytes_is_a_name(folder: Path) -> None:
    (folder / os.fsdecode(b"a\xff missing")).write_text("text")
    commit(folder.parent)

    with git.commit(folder, "main") as at:
        assert at.text(os.fsdecode(b"a\xff missing")) == "text"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", [["--check"], ["--out", "x.plan"]])
def test_a_comparison_is_no_plan(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        seedrender("plan", "film.yaml", *words, "--against", "main")


def changed(number: int, text: str) -> Changed:
    step = Step(
        job=job(f"s{number}"),
        verdict=Verdict.MISSING,
        reason="",
        fingerprint=None,
        will_submit=True,
    )
    return Changed(step=step, parts=(Difference("prompt", "old", text),))


def comparison(*found: Changed) -> Comparison:
    return Comparison(
        added=(),
        changed=found,
        renamed=(),
        removed=(),
        unchanged=0,
        before=Sum(),
        now=Sum(unknown=1),
        to_buy=Sum(),
    )


def test_no_text_of_an_author_leaves_its_block() -> None:
    hostile = "```\n</details><img src=x>\n@everyone ````` \x1b[2J"

    text = as_markdown(comparison(changed(1, hostile)), "a`b.yaml", "x|`", is_simulated=False)

    lines = text.split("\n")
    start = lines.index("  ``````diff")
    end = lines.index("  ``````")
    assert [n for n, line in enumerate(lines) if "@everyone" in line] == [start + 3]
    assert end == start + 4
    assert "\x1b" not in text
    assert "| difference | - | - | - | +1 |" in text


def test_a_comment_is_no_longer_than_a_forge_takes() -> None:
    text = as_markdown(
        comparison(*(changed(n, "word " * 500) for n in range(300))),
        "film.yaml",
        "main",
        is_simulated=True,
    )

    assert len(text) < 65_536
    assert "more jobs are left out here" in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_settings_of_a_repository_run_nothing(tmp_path: Path) -> None:
    folder, marks = tmp_path / "film", tmp_path / "marks"
    folder.mkdir()
    marks.mkdir()
    (folder / "film.yaml").write_text(FILM)
    run_git(folder, "init", "-q")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-q", "-m", "one")
    blob = run_git(folder, "rev-parse", "HEAD:film.yaml").strip()
    (folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for name, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", str(folder)),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", f"touch {marks}/uploadpack; false"),
        ("core.fsmonitor", f"touch {marks}/fsmonitor; false"),
    ):
        run_git(folder, "config", name, value)
    for mark in marks.iterdir():  # of our own preparations
        mark.unlink()

    with git.commit(folder, "HEAD") as commit:
        assert not commit.has("film.yaml")
    git.asked(folder, "status", "--porcelain")
    git.would_keep(folder / "x.jsonl")

    assert list(marks.iterdir()) == []
