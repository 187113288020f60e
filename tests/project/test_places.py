"""What a run could not keep is told before it is bought."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ManifestError, Violation
from seedrender.run import places, project
from seedrender.run.choices import Choices
from tests.cli.test_promise import seedrender

FILM = """\
seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p, duration: 4}
shots: {a: {prompt: A kite.}, b: {prompt: A boat., output: deep/b.mp4}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "film"
    found.mkdir()
    (found / "film.yaml").write_text(FILM)
    monkeypatch.chdir(found)
    return found


def loaded(*outside: Path) -> project.Project:
    return project.load(Path("film.yaml"), choices=Choices(outside=outside))


def wrong(*outside: Path, probes: bool = False) -> list[str]:
    refused = places.refusal(loaded(*outside), probes=probes)
    return [violation.message for violation in refused.violations] if refused else []


def looked() -> tuple[Violation, ...]:
    found = loaded()
    return places.look(found, found.read_lock())


def refused(*words: str) -> str:
    with pytest.raises(ManifestError) as caught:
        seedrender(*words)
    return str(caught.value)


def test_a_film_that_can_be_kept_is_right_and_nothing_is_written(folder: Path) -> None:
    assert (looked(), wrong(), wrong(probes=True)) == ((), [], [])
    assert [path.name for path in folder.iterdir()] == ["film.yaml"]


def test_a_folder_in_a_clips_place_is_told_by_check_plan_and_run(folder: Path) -> None:
    (folder / "renders/a.mp4").mkdir(parents=True)

    assert wrong() == ["renders/a.mp4 is a folder: the clip could not be kept there"]
    check = CliRunner().invoke(cli, ["check", "film.yaml"], obj=State(), standalone_mode=False)
    assert check.return_value == 2
    assert "film.yaml:4:" in check.output
    for command in ("plan", "run"):
        assert "is a folder" in refused(command, "film.yaml")
    assert not (folder / "film.lock").exists()


def test_what_is_no_regular_file_is_told(folder: Path) -> None:
    (folder / "renders").mkdir()
    os.mkfifo(folder / "renders/a.mp4")

    assert wrong() == ["renders/a.mp4 is no regular file: the clip could not be kept there"]


@pytest.mark.parametrize("blocked", ["renders", "renders/deep"])
def test_a_file_where_a_folder_is_needed_is_told(folder: Path, blocked: str) -> None:
    (folder / blocked).parent.mkdir(exist_ok=True)
    (folder / blocked).write_text("x")

    assert f"{blocked} is a file, and renders/deep/b.mp4 needs a folder there" in wrong()


def test_renders_on_another_volume_need_a_persons_word_and_then_are_right(
    folder: Path, tmp_path: Path
) -> None:
    share = tmp_path / "nas"
    share.mkdir()
    (folder / "renders").symlink_to(share)
    option = f"`--allow-outside {share}` allows that"

    assert wrong() == [f"renders leads outside, to {share}; {option}"]
    assert option in refused("plan", "film.yaml")
    assert option in refused("run", "film.yaml")
    assert list(share.iterdir()) == []
    seedrender("plan", "film.yaml", "--allow-outside", str(share))
    seedrender("run", "film.yaml", "--allow-outside", str(share))
    assert (share / "a.mp4").is_file()
    assert (folder / "renders").is_symlink()
    seedrender("verify", "film.yaml", "--allow-outside", str(share))


def test_the_first_folder_that_leads_outside_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "renders").mkdir()
    (folder / "renders/deep").symlink_to(tmp_path)

    assert [words.partition(" leads")[0] for words in wrong()] == ["renders/deep"]


@pytest.mark.parametrize("target", ["../../victim", "../../not there"])
def test_a_link_to_outside_in_a_clips_place_is_told(
    folder: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "victim").write_text("precious")
    (folder / "renders").mkdir()
    (folder / "renders/a.mp4").symlink_to(target)

    assert wrong()[0].startswith("renders/a.mp4 leads outside")


def test_links_inside_a_repository_are_right_and_its_own_folder_is_outside(folder: Path) -> None:
    (folder.parent / ".git").mkdir()
    (folder.parent / "media").mkdir()
    (folder / "renders").symlink_to("../media")
    inside = wrong()
    (folder / "renders").unlink()
    (folder / "renders").symlink_to("../.git")

    assert inside == []
    assert wrong()[0].startswith("renders leads outside")


@pytest.mark.parametrize("name", [".superseded", ".last-frames"])
def test_a_folder_for_what_is_replaced_that_leads_outside_or_is_a_file_is_told(
    folder: Path, tmp_path: Path, name: str
) -> None:
    (folder / "renders").mkdir()
    place = folder / "renders" / name
    place.symlink_to(tmp_path)
    outside = wrong()
    place.unlink()
    place.write_text("a file")

    assert outside[0].startswith(f"renders/{name} leads outside")
    assert wrong() == [f"renders/{name} is a file, and clips are kept there that are replaced"]


def test_a_link_in_a_circle_is_told(folder: Path) -> None:
    (folder / "renders").symlink_to("renders")

    assert len(wrong()) == 1


def test_a_reference_on_another_volume_needs_the_same_word(folder: Path, tmp_path: Path) -> None:
    share = tmp_path / "nas"
    share.mkdir()
    (share / "hero.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "hero.png").symlink_to(share / "hero.png")
    (folder / "film.yaml").write_text(
        FILM.replace("{prompt: A kite.}", '{prompt: "{{ ref.x }} flies.", references: [x]}')
        + "references: {x: {image: hero.png}}\n"
    )

    with pytest.raises(ManifestError, match=f"`--allow-outside {share}` allows that"):
        loaded()
    assert loaded(share).digests.keys() == {"x"}


def test_a_folder_of_notes_that_leads_outside_is_told_and_nothing_is_written(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (folder / ".seedrender").symlink_to("../outside")

    assert wrong() == [".seedrender leads outside"]
    refused("run", "film.yaml")
    assert list((tmp_path / "outside").iterdir()) == []


def test_names_that_the_file_system_does_not_take_are_told(folder: Path) -> None:
    name = "n" * 130 + ".mp4"
    (folder / "film.yaml").write_text(FILM.replace("deep/b.mp4", name))
    real = os.pathconf

    def narrow(path: Path, what: str) -> int:
        return 143 if what == "PC_NAME_MAX" else real(path, what)  # as eCryptfs has it

    assert wrong() == []
    with patch("os.pathconf", narrow):
        assert wrong() == [f"renders/{name} is too long for the file system"]


def test_a_folder_that_takes_no_file_stops_a_run_and_is_a_warning_for_check(folder: Path) -> None:
    (folder / "renders").mkdir()
    real = os.access

    def access(path: Path, mode: int) -> bool:
        return Path(path).name != "renders" and real(path, mode)

    with patch("os.access", access):
        (warning,) = looked()
        plan = seedrender("plan", "film.yaml")
        run = refused("run", "film.yaml")

    assert (warning.message, warning.severity.value) == (
        "renders cannot be written to",
        "warning",
    )
    assert "2 missing" in plan
    assert "renders cannot be written to" in run
    assert not (folder / "film.lock").exists()


def test_a_full_disk_stops_a_run_before_anything_is_sent(folder: Path) -> None:
    full = "film.yaml:1:1: the manifest's folder takes no file: No space left on device"

    with full_disk():
        words = refused("run", "film.yaml")

    assert words.startswith(full)
    assert [path.name for path in folder.iterdir()] == ["film.yaml"]


def test_a_disk_that_says_that_it_is_full_is_a_warning_for_check(folder: Path) -> None:
    del folder
    found = os.statvfs(".")
    full = os.statvfs_result((*found[:3], 0, 0, *found[5:]))

    with patch("os.statvfs", return_value=full):
        (warning,) = looked()

    assert warning.message == "the manifest's folder is on a disk without any room"


@contextmanager
def full_disk() -> Iterator[None]:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(".part"):  # noqa: PTH115 - no path
            raise OSError(28, os.strerror(28))
        real(descriptor)

    with patch("os.fsync", fsync):
        yield


def test_a_persons_own_file_in_a_clips_place_is_named_by_check_plan_and_run(folder: Path) -> None:
    (folder / "renders").mkdir()
    (folder / "renders/a.mp4").write_bytes(b"my own film")
    said = [
        CliRunner().invoke(cli, [*command, "film.yaml"], obj=State(), standalone_mode=False).output
        for command in (["check"], ["plan"], ["run", "--sim-speed", "600"])
    ]
    kept = (folder / "renders/a.mp4").read_bytes()
    seedrender("run", "film.yaml", "--resubmit", "a")

    assert ["renders/a.mp4 is there" in text for text in said] == [True, True, True]
    assert ["no record explains it" in text for text in said] == [True, True, True]
    assert kept == b"my own film"
    assert [path.read_bytes() for path in (folder / "renders/.superseded").iterdir()] == [kept]
    assert looked() == ()


def test_two_manifests_that_write_one_file_are_told_and_leave_each_others_clips(
    folder: Path,
) -> None:
    seedrender("run", "film.yaml", "a")
    before = (folder / "renders/a.mp4").read_bytes()
    (folder / "other.yaml").write_text(FILM.replace("A kite", "A fox"))
    words = "renders/a.mp4 is an output of film.yaml too"
    both = "a, b: renders/a.mp4, renders/deep/b.mp4 are outputs of film.yaml too"

    assert both in refused("plan", "other.yaml")
    assert both in refused("run", "other.yaml")
    assert words in refused("run", "other.yaml", "a")  # which has nothing to buy: a file is there
    assert both in refused("adopt", "other.yaml", "a", "--file", "renders/a.mp4")
    (folder / ".seedrender/outputs.json").unlink()  # as in a fresh clone
    assert words in refused("run", "other.yaml")
    assert (folder / "renders/a.mp4").read_bytes() == before
    seedrender("run", "film.yaml")


def test_a_clip_where_an_output_folder_was_before_is_moved_from_there(folder: Path) -> None:
    seedrender("run", "film.yaml")
    (folder / "film.yaml").write_text(FILM + "output: {dir: clips}\n")

    seedrender("run", "film.yaml")

    assert (folder / "clips/a.mp4").is_file()
    assert not (folder / "renders/a.mp4").exists()


def test_a_run_ends_with_4_where_this_machine_cannot_keep_a_clip_and_downloads_it_once(
    folder: Path,
) -> None:
    real = Path.replace

    def full(path: Path, target: Path) -> Path:
        if Path(target).name == "a.mp4":
            raise OSError(28, os.strerror(28))
        return real(path, target)

    with patch.object(Path, "replace", full):
        words = ["run", "film.yaml", "a", "--sim-speed", "600"]
        done = CliRunner().invoke(cli, words, obj=State(), standalone_mode=False)
    again = seedrender("run", "film.yaml", "a")

    assert done.output.count("asking again") == 0
    assert "renders/a.mp4 cannot be written: No space left on device" in done.output
    assert "1 current" in again
    assert len(json.loads((folder / "film.lock").read_text().split("\n")[1])["tasks"]) == 1
