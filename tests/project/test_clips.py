"""Where the bytes of a clip are, and what a path in a lock may not do."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import ArtifactError, StorageError
from seedrender.run.files import Files
from seedrender.values.task import Artifact
from tests.builders import T0
from tests.crash.disk import Disk

HEAD = b"\x00\x00\x00\x18ftypmp42"  # begins a clip
ONE, OTHER = HEAD + b"one", HEAD + b"two"


def put(folder: Path, path: str, content: bytes) -> Artifact:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return recorded(path, content)


def recorded(path: str, content: bytes) -> Artifact:
    return Artifact(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        duration_s=5.0,
        width=64,
        height=64,
        made_at=T0,
        made_by="c1",
    )


def files(folder: Path, **more: object) -> Files:
    return Files(root=folder, output_dir="renders", **more)  # type: ignore[arg-type]


def across_devices(folder: Path) -> Disk:
    """Return a disk on which a move between folders is one between file systems."""

    def before(kind: str, path: Path) -> None:
        if kind == "rename" and not path.name.endswith(".part"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    return Disk(folder, before=before)


def content_of(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.rglob("*") if path.is_file()}


PLACES = st.sampled_from(
    [
        "renders/a.mp4",
        "renders/.superseded/{digits}.mp4",
        "renders/.superseded/old name.{digits}.mp4",
        "renders/.superseded/spin/black.{digits}.webm",
        "renders/.superseded/b.2.{digits}.mp4",
        "renders/b.mp4",
        "renders/act 1/whatever it is called.mov",
        "old/a.mp4",  # noted
    ]
)


@given(PLACES, st.lists(PLACES, max_size=3), st.binary(max_size=8))
def test_a_clip_is_found_by_its_bytes_under_every_name_that_it_may_have(
    place: str, false: list[str], more: bytes
) -> None:
    with TemporaryDirectory() as name:
        folder, content = Path(name), HEAD + more
        digits = hashlib.sha256(content).hexdigest()[:12]
        for path in false:  # of its size, under a name that it may have
            put(folder, path.format(digits=digits), b"\xff" * len(content))
        real = place.format(digits=digits)
        put(folder, real, content)

        ours = files(folder, noted=lambda: ["old/a.mp4"])
        found = ours.find(recorded("renders/a.mp4", content), ["renders/b.mp4"])

        assert found == real


def test_what_is_nowhere_is_not_found(tmp_path: Path) -> None:
    put(tmp_path, "renders/a.mp4", OTHER)

    assert files(tmp_path).find(recorded("renders/a.mp4", ONE)) is None


@pytest.mark.parametrize("path", ["Makefile", "refs/notes.txt", "renders/a.mp4"])
def test_what_is_no_clip_is_not_found_whatever_a_lock_says(tmp_path: Path, path: str) -> None:
    text = b"all:\n\techo precious\n"
    artifact = put(tmp_path, path, text)
    ours = files(tmp_path)

    assert ours.find(artifact) is None
    assert not ours.remove(artifact)
    with pytest.raises(ArtifactError):
        ours.move(artifact, "renders/b.mp4")
    with pytest.raises(ArtifactError):
        ours.bring_back(artifact, "renders/b.mp4")
    assert (tmp_path / path).read_bytes() == text


@pytest.mark.parametrize(
    "path",
    ["refs/hero.mp4", "hero.mp4", "renders-old/a.mp4", "renders/hero.mp4", "renders/../hero.mp4"],
)
def test_a_clip_that_is_not_where_clips_are_written_is_copied_and_stays(
    tmp_path: Path, path: str
) -> None:
    artifact = put(tmp_path, path, ONE)
    ours = files(tmp_path, inputs=frozenset({"renders/hero.mp4"}))

    moved = ours.move(artifact, "renders/b.mp4")

    assert not ours.remove(artifact)
    assert (tmp_path / path).read_bytes() == (tmp_path / moved.path).read_bytes() == ONE


def test_a_clip_where_an_earlier_run_wrote_it_is_moved(tmp_path: Path) -> None:
    artifact = put(tmp_path, "old/a.mp4", ONE)

    files(tmp_path, written=lambda: ["old/a.mp4"]).move(artifact, "renders/a.mp4")

    assert not (tmp_path / "old/a.mp4").exists()


@pytest.mark.parametrize("path", ["renders/mine.mp4", "act1/a.mp4", "renders/b.mp4"])
def test_a_clip_that_is_found_by_its_bytes_alone_is_moved_only_where_a_run_wrote_it(
    tmp_path: Path, path: str
) -> None:
    put(tmp_path, path, ONE)
    ours = files(
        tmp_path, written=lambda: ["renders/b.mp4"], noted=lambda: ["renders/b.mp4", "act1/a.mp4"]
    )

    ours.move(recorded("renders/a.mp4", ONE), "renders/c.mp4")

    assert (tmp_path / "renders/c.mp4").read_bytes() == ONE
    assert (tmp_path / path).exists() is (path != "renders/b.mp4")


def test_only_the_clip_that_the_lock_describes_is_deleted(tmp_path: Path) -> None:
    artifact = put(tmp_path, "renders/a.mp4", ONE)
    changed = put(tmp_path, "renders/b.mp4", ONE)
    (tmp_path / "renders/b.mp4").write_bytes(OTHER)
    ours = files(tmp_path)

    assert (ours.remove(artifact), ours.remove(changed)) == (True, False)
    assert not (tmp_path / "renders/a.mp4").exists()
    assert (tmp_path / "renders/b.mp4").read_bytes() == OTHER


def test_another_file_of_the_same_size_is_not_taken_for_the_clip(tmp_path: Path) -> None:
    put(tmp_path, "renders/a.mp4", OTHER)
    put(tmp_path, "renders/b.mp4", HEAD + b"in place")

    with pytest.raises(ArtifactError, match="other bytes"):
        files(tmp_path).move(recorded("renders/a.mp4", ONE), "renders/b.mp4")

    assert content_of(tmp_path) == {OTHER, HEAD + b"in place"}


@pytest.mark.parametrize("is_far", [False, True])
def test_moving_loses_nothing_also_across_file_systems(tmp_path: Path, *, is_far: bool) -> None:
    artifact = put(tmp_path, "renders/a.mp4", ONE)
    put(tmp_path, "renders/b.mp4", OTHER)
    ours = files(tmp_path)

    if is_far:
        with across_devices(tmp_path):
            moved = ours.move(artifact, "renders/b.mp4")
    else:
        moved = ours.move(artifact, "renders/b.mp4")

    assert moved.path == "renders/b.mp4"
    assert (tmp_path / "renders/b.mp4").read_bytes() == ONE
    assert not (tmp_path / "renders/a.mp4").exists()
    assert ours.find(recorded("renders/b.mp4", OTHER)) is not None


@pytest.mark.parametrize("moment", range(6))
def test_two_clips_are_exchanged_and_cut_off_at_any_moment_both_are_found(
    tmp_path: Path, moment: int
) -> None:
    first, second = put(tmp_path, "renders/a.mp4", ONE), put(tmp_path, "renders/b.mp4", OTHER)
    changes = 0

    def cut(kind: str, _path: Path) -> None:
        nonlocal changes
        if kind == "rename":
            changes += 1
            if changes > moment:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    try:
        with Disk(tmp_path, before=cut):
            now = files(tmp_path).exchange(first, second)
    except StorageError:
        assert moment < 3
    else:
        assert [artifact.path for artifact in now] == ["renders/b.mp4", "renders/a.mp4"]
        assert (tmp_path / "renders/a.mp4").read_bytes() == OTHER

    also = ["renders/a.mp4", "renders/b.mp4"]
    assert files(tmp_path).find(first, also) is not None
    assert files(tmp_path).find(second, also) is not None


def test_clips_that_are_not_in_their_places_are_not_exchanged(tmp_path: Path) -> None:
    first, second = put(tmp_path, "renders/a.mp4", ONE), recorded("renders/b.mp4", OTHER)

    with pytest.raises(ArtifactError, match="has not the bytes"):
        files(tmp_path).exchange(first, second)

    assert (tmp_path / "renders/a.mp4").read_bytes() == ONE


def test_what_is_set_aside_under_a_name_that_is_taken_gets_another(tmp_path: Path) -> None:
    artifact = put(tmp_path, "renders/a.mp4", ONE)
    taken = put(tmp_path, f"renders/.superseded/a.{artifact.sha256[:12]}.mp4", OTHER)
    ours = files(tmp_path)

    kept = ours.set_aside("renders/a.mp4")

    assert kept == f"renders/.superseded/a.1.{artifact.sha256[:12]}.mp4"
    assert ours.find(artifact) == kept
    assert (tmp_path / taken.path).read_bytes() == OTHER


def test_of_a_link_the_bytes_are_set_aside_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    put(tmp_path, "store/x.mp4", ONE)
    (tmp_path / "renders").mkdir()
    (tmp_path / "renders/a.mp4").symlink_to("../store/x.mp4")

    kept = files(tmp_path).set_aside("renders/a.mp4")

    assert kept is not None
    assert (tmp_path / kept).read_bytes() == (tmp_path / "store/x.mp4").read_bytes() == ONE
    assert not (tmp_path / kept).is_symlink()
    assert not (tmp_path / "renders/a.mp4").is_symlink()


def test_a_folder_is_never_set_aside(tmp_path: Path) -> None:
    (tmp_path / "renders/a.mp4").mkdir(parents=True)

    with pytest.raises(StorageError, match="is no file"):
        files(tmp_path).set_aside("renders/a.mp4")


@pytest.mark.parametrize(
    ("known", "sizes", "is_unexplained"),
    [
        pytest.param({ONE}, None, False, id="explained"),
        pytest.param({OTHER}, None, True, id="other bytes"),
        pytest.param({OTHER}, {len(OTHER)}, True, id="other bytes of that size"),
        pytest.param({ONE}, {len(ONE)}, False, id="explained and of that size"),
        pytest.param({ONE}, {1}, True, id="of no known size"),
        pytest.param(set(), None, True, id="nothing is known"),
    ],
)
def test_a_file_that_no_record_explains_is_seen(
    tmp_path: Path, known: set[bytes], sizes: set[int] | None, *, is_unexplained: bool
) -> None:
    put(tmp_path, "renders/a.mp4", ONE)
    digests = {hashlib.sha256(content).hexdigest() for content in known}

    assert files(tmp_path).unexplained("renders/a.mp4", digests, sizes) is is_unexplained


def test_nothing_is_explained_and_a_link_that_leads_nowhere_is_not(tmp_path: Path) -> None:
    (tmp_path / "renders").mkdir()
    (tmp_path / "renders/b.mp4").symlink_to("nowhere")

    assert not files(tmp_path).unexplained("renders/a.mp4", set())
    assert files(tmp_path).unexplained("renders/b.mp4", set())


def test_a_pointer_of_git_lfs_is_explained_by_the_clip_that_it_stands_for(tmp_path: Path) -> None:
    here = files(tmp_path)
    (tmp_path / "renders").mkdir()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 9\n"
    (tmp_path / "renders/a.mp4").write_text(pointer.format("ab" * 32))
    (tmp_path / "renders/b.mp4").write_text("my own")

    found = [here.unexplained(f"renders/{name}.mp4", {"ab" * 32}, {9}) for name in "ab"]

    assert found == [False, True]
    assert here.unexplained("renders/a.mp4", {"cd" * 32})
