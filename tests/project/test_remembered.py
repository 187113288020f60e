"""Clips are found where they were, by every lockfile and memory of their folder."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from seedrender.lock import fold, lockfile
from seedrender.project.files import write_atomically
from seedrender.project.purchases import PurchaseLog
from seedrender.project.remembered import RememberedPlaces
from seedrender.run.files import Files
from seedrender.values.entry import JobState, Lock, LockEntry, TaskRecord
from tests.builders import clip, entry, record
from tests.scripted import clip_bytes

NAME = "film.yaml"
CONTENT = clip_bytes()


def bought(name: str) -> TaskRecord:
    return record(name, JobState.SUCCEEDED, provider="ark")


def lock(*entries: LockEntry, manifest: str = NAME) -> Lock:
    return fold.fold(Lock(manifest=manifest), entries)


@pytest.fixture
def log(tmp_path: Path) -> PurchaseLog:
    return PurchaseLog(tmp_path / "film.lock")


def test_a_clip_is_found_where_it_is_remembered_to_have_been(log: PurchaseLog) -> None:
    folder = log.path.parents[1]
    content = clip_bytes()
    digest = hashlib.sha256(content).hexdigest()
    made = replace(clip("c1", "renders/before.mp4"), sha256=digest, size_bytes=len(content))
    log.keep(lock(entry("spin", bought("c1"), output=made)), write_atomically)
    (folder / "renders").mkdir()
    (folder / "renders/before.mp4").write_bytes(content)
    places = RememberedPlaces(folder / "film.lock", NAME)
    files = Files(root=folder, output_dir="renders", places=places)

    assert files.find(replace(made, path="renders/spin.mp4")) == "renders/before.mp4"
    assert places("ab" * 32) == []


def test_where_nothing_can_be_read_no_place_is_remembered(log: PurchaseLog) -> None:
    log.path.parent.mkdir(exist_ok=True)
    log.path.write_bytes(b"\xff")

    assert RememberedPlaces(log.path.parents[1] / "film.lock", NAME)("ab" * 32) == []


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("is_memory", [True, False])
def test_a_clip_is_found_where_another_manifest_has_it_and_taken_from_none_that_is_there(
    tmp_path: Path, *, is_there: bool, is_memory: bool
) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    made = replace(clip("c1", "renders/a.mp4"), sha256=digest, size_bytes=len(CONTENT))
    (tmp_path / "renders").mkdir()
    (tmp_path / "renders/a.mp4").write_bytes(CONTENT)
    beside = lock(entry("spin", bought("c1"), output=made), manifest="act1.yaml")
    if is_there:
        (tmp_path / "act1.yaml").write_text("seedrender: 1\n")
    if is_memory:
        assert PurchaseLog(tmp_path / "act1.lock").keep(beside, write_atomically) == ""
    else:
        (tmp_path / "act1.lock").write_text(lockfile.dumps(beside))
    (tmp_path / "odd.lock").write_text('{"lock": 1, "manifest": "odd.yaml"}\nnonsense\n')
    places = RememberedPlaces(tmp_path / "film.lock", NAME)
    files = Files(root=tmp_path, output_dir="renders", places=places, are_others=places.are_others)

    found = files.find(replace(made, path="renders/b.mp4"))
    files.bring_back(replace(made, path="renders/a.mp4"), "renders/b.mp4")

    assert found == "renders/a.mp4"
    assert (tmp_path / "renders/b.mp4").read_bytes() == CONTENT
    assert (tmp_path / "renders/a.mp4").exists() is is_there


def test_a_clip_is_found_in_another_folder_of_the_repository_and_stays_there(
    tmp_path: Path,
) -> None:
    """Where a colleague renamed the folder, git leaves the clips that it ignores."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    made = replace(clip("c1", "renders/a.mp4"), sha256=digest, size_bytes=len(CONTENT))
    for folder in (".git", "old/renders", "now"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "old/renders/a.mp4").write_bytes(CONTENT)
    log = PurchaseLog(tmp_path / "old/film.lock")
    assert log.keep(lock(entry("spin", bought("c1"), output=made)), write_atomically) == ""
    places = RememberedPlaces(tmp_path / "now/film.lock", NAME)
    files = Files(root=tmp_path / "now", output_dir="renders", places=places)

    files.move(made, "renders/a.mp4")

    assert (tmp_path / "now/renders/a.mp4").read_bytes() == CONTENT
    assert (tmp_path / "old/renders/a.mp4").exists()
    assert places(digest) == ["../old/renders/a.mp4"]
    assert places.of_others(digest) == []  # its manifest is gone


def test_a_link_that_leads_outside_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    made = entry("a", bought("c1"), output=clip("c1", "renders/a.mp4"))
    (tmp_path / "elsewhere/film.lock").write_text(lockfile.dumps(lock(made)))
    (tmp_path / "film").mkdir()
    (tmp_path / "film/film.lock").symlink_to(tmp_path / "elsewhere/film.lock")

    assert RememberedPlaces(tmp_path / "film/film.lock", NAME)("ab" * 32) == []


@pytest.mark.parametrize("folder", ["../ep2/renders", "renders"])
def test_a_clip_that_another_manifests_run_has_set_aside_is_found(
    tmp_path: Path, folder: str
) -> None:
    """Episodes are renumbered: what lies in the way of one is the clip of the next."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    made = replace(clip("c1", "renders/kite/a.mp4"), sha256=digest, size_bytes=len(CONTENT))
    home = tmp_path / "ep3"
    aside = home / folder / ".superseded/kite"
    aside.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (aside / f"a.{digest[:12]}.mp4").write_bytes(CONTENT)
    files = Files(root=home, output_dir="other", places=lambda _sha256: [f"{folder}/kite/a.mp4"])

    assert files.find(made) == f"{folder}/.superseded/kite/a.{digest[:12]}.mp4"
