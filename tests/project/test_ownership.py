"""Which manifest writes which file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seedrender.lock import lockfile
from seedrender.project.ownership import Clash, Ownership
from seedrender.project.roots import Roots
from seedrender.values.entry import Lock
from tests.builders import clip, entry

MANIFEST = "seedrender: 1\nname: film\n"
A = ("renders/a.mp4",)


def film(
    path: Path, output_dir: str = "renders", *, title: str = "film", allowed: Sequence[Path] = ()
) -> Ownership:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MANIFEST)
    return Ownership(
        manifest=path,
        title=title,
        output_dir=output_dir,
        roots=Roots.around(path.parent, allowed),
    )


def owners(one: Ownership, *outputs: str) -> list[str]:
    return [f"{clash.path}: {clash.owner}" for clash in one.clashes(outputs)]


def write_lock(path: Path, manifest: str, output: str) -> None:
    lock = Lock(manifest=manifest, entries={"a": entry("a", output=clip("c1", output))})  # type: ignore[dict-item]
    path.write_text(lockfile.dumps(lock))


def test_an_output_that_another_manifest_has_noted_is_told(tmp_path: Path) -> None:
    film(tmp_path / "one.yaml").claim(["renders/a.mp4", "renders/b.mp4"])
    other = film(tmp_path / "other.yaml")

    assert owners(other, "renders/b.mp4", "renders/c.mp4") == ["renders/b.mp4: one.yaml"]


def test_a_manifest_does_not_clash_with_itself_and_keeps_what_it_wrote_before(
    tmp_path: Path,
) -> None:
    one = film(tmp_path / "one.yaml")
    one.claim(["old/a.mp4", "old/gone.mp4"])
    (tmp_path / "old").mkdir()
    (tmp_path / "old/a.mp4").write_text("there")

    one.claim(A)

    assert owners(one, "old/a.mp4", *A) == []
    assert one.written() == {"old/a.mp4", "renders/a.mp4"}


def test_what_is_ours_by_now_is_noted_so(tmp_path: Path) -> None:
    one, other = film(tmp_path / "one.yaml"), film(tmp_path / "other.yaml")
    other.claim(["renders/a.mp4", "renders/b.mp4"])

    clashes = one.claim(A, lambda clash: clash.owner == "other.yaml")

    assert not clashes
    assert (set(one.written()), set(other.written())) == ({*A}, {"renders/b.mp4"})


def test_of_manifests_that_are_claimed_for_at_once_each_output_has_one_owner(
    tmp_path: Path,
) -> None:
    made = [film(tmp_path / f"{name}.yaml") for name in "abcd"]
    outputs = [f"renders/{number}.mp4" for number in range(9)]

    with ThreadPoolExecutor(len(made)) as pool:
        clashes = list(pool.map(lambda one: one.claim(outputs), made))

    assert sorted(map(len, clashes)) == [0, 9, 9, 9]
    assert sorted(len(one.written()) for one in made) == [0, 0, 0, 9]


def test_manifests_that_are_looked_at_together_clash_before_anything_is_made(
    tmp_path: Path,
) -> None:
    one, other = film(tmp_path / "one.yaml"), film(tmp_path / "sub/other.yaml", "../renders")
    theirs = ["../renders/a.mp4", "../renders/b.mp4"]

    assert [*one.shared_with(other, A, theirs)] == [Clash(path=A[0], owner="sub/other.yaml")]
    assert [*one.shared_with(one, A, A)] == []


def test_a_manifest_that_is_gone_owns_nothing(tmp_path: Path) -> None:
    film(tmp_path / "one.yaml").claim(A)
    write_lock(tmp_path / "one.lock", "one.yaml", A[0])
    (tmp_path / "one.yaml").rename(tmp_path / "other.yaml")
    other = film(tmp_path / "other.yaml")

    assert owners(other, *A) == []
    other.claim(A)
    note = json.loads((tmp_path / ".seedrender/outputs.json").read_text())
    assert note["manifests"] == {"other.yaml": [*A]}


def test_the_lockfile_of_another_manifest_tells_too(tmp_path: Path) -> None:
    film(tmp_path / "one.yaml")
    write_lock(tmp_path / "one.lock", "one.yaml", A[0])
    (tmp_path / "poetry.lock").write_text("[[package]]\n")

    (clash,) = film(tmp_path / "other.yaml").clashes(A)

    assert (clash.owner, clash.told_by) == ("one.yaml", "one.lock")


def test_a_lockfile_of_another_that_cannot_be_read_is_only_a_warning(tmp_path: Path) -> None:
    (tmp_path / "one.lock").write_text('{"lock": 1, "manifest": "one.yaml"}\n{"job"\n')
    other = film(tmp_path / "other.yaml")

    assert owners(other, *A) == []
    assert [name for name, _ in other.unreadable()] == ["one.lock"]


@pytest.mark.parametrize("first_is_outer", [False, True])
def test_folders_in_each_other_are_seen_from_both_sides(
    tmp_path: Path, *, first_is_outer: bool
) -> None:
    (tmp_path / ".git").mkdir()
    outer = film(tmp_path / "top.yaml", "scenes/renders")
    inner = film(tmp_path / "scenes/film.yaml")
    theirs = {outer: "scenes/renders/a.mp4", inner: "renders/a.mp4"}
    first, second = (outer, inner) if first_is_outer else (inner, outer)

    first.claim([theirs[first]])

    assert len(owners(second, theirs[second])) == 1


def test_two_films_on_one_share_are_told_apart_by_their_names(tmp_path: Path) -> None:
    share = tmp_path / "nas"
    share.mkdir()
    films = [
        film(tmp_path / place / "film.yaml", title=title, allowed=[share])
        for place, title in (("one", "kite"), ("clone", "kite"), ("other", "boat"))
    ]
    for one in films:
        (one.manifest.parent / "renders").symlink_to(share)

    films[0].claim(A)

    assert owners(films[1], *A) == []
    assert owners(films[2], *A) == ["renders/a.mp4: kite/film.yaml"]
    assert str(tmp_path) not in (share / ".seedrender/outputs.json").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"outputs": 2, "manifests": {"one.yaml": ["renders/a.mp4"]}}',
        '{"outputs": 1, "manifests": ["one.yaml"]}',
        '{"outputs": 1, "manifests": {"one.yaml": [1, "/etc/passwd", "../a", "a\\u0000b"]}}',
        '{"outputs": 1, "manifests": {"../../etc": 1}}',
        "[" * 100_000,
    ],
)
def test_a_note_that_is_not_ours_says_nothing_and_is_written_anew(
    tmp_path: Path, text: str
) -> None:
    one = film(tmp_path / "one.yaml")
    (tmp_path / ".seedrender").mkdir()
    (tmp_path / ".seedrender/outputs.json").write_text(text)

    assert owners(film(tmp_path / "other.yaml"), *A) == []
    one.claim(A)
    assert one.written() == {*A}


def test_a_note_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    one = film(tmp_path / "one.yaml")
    one.claim(A)
    before = (tmp_path / ".seedrender/outputs.json").stat()

    one.claim(A)

    assert (tmp_path / ".seedrender/outputs.json").stat().st_ino == before.st_ino


def test_manifests_that_would_share_a_lockfile_are_told_until_it_says_whose_it_is(
    tmp_path: Path,
) -> None:
    one, other = film(tmp_path / "film.yaml"), film(tmp_path / "film.yml")
    (tmp_path / "film.md").write_text(MANIFEST)
    (tmp_path / "film.final.yaml").write_text(MANIFEST)
    both = [[path.name for path in manifest.namesakes()] for manifest in (one, other)]

    write_lock(tmp_path / "film.lock", "film.yaml", A[0])

    assert both == [["film.yml"], ["film.yaml"]]
    assert list(one.namesakes()) == []
    assert [path.name for path in other.namesakes()] == ["film.yaml"]


def test_yaml_that_is_no_manifest_takes_nobodys_lockfile(tmp_path: Path) -> None:
    one = film(tmp_path / "film.yaml")
    (tmp_path / "film.yml").write_text("services: {web: {}}\n")

    assert list(one.namesakes()) == []


def test_nothing_is_noted_in_a_folder_elsewhere_that_nobody_allowed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    one = film(tmp_path / "film" / "one.yaml")
    (tmp_path / "film" / "renders").symlink_to(elsewhere)

    one.claim(A)
    assert list(elsewhere.iterdir()) == []

    film(tmp_path / "film" / "one.yaml", allowed=[elsewhere]).claim(A)
    assert [path.name for path in elsewhere.iterdir()] == [".seedrender"]
