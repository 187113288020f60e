"""A film is split: what it bought for a shot that is in another manifest now is not bought again."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from seedrender.errors import LockError, ManifestError
from seedrender.lock import lockfile
from seedrender.lock.fingerprint import fingerprint
from seedrender.project.files import write_atomically
from seedrender.project.ownership import Ownership
from seedrender.project.purchases import PurchaseLog
from seedrender.project.roots import Roots
from seedrender.run.siblings import Siblings, lacking
from seedrender.values.entry import LOST, Fingerprint, JobState, Lock, TaskRecord
from seedrender.values.job import JobId
from tests.builders import clip, entry, job, record
from tests.cli.test_main import seedrender

ONE, OTHER = (Fingerprint(digest=f"sha256:{two * 32}") for two in ("aa", "bb"))
DONE = entry(
    "b", record("c1", JobState.SUCCEEDED, fingerprint=ONE), output=clip("c1", "renders/b.mp4")
)
KEPT = entry(
    "a", record("c2", JobState.SUCCEEDED, fingerprint=OTHER), output=clip("c2", "renders/a.mp4")
)
WANTED = {DONE.tasks[0].fingerprint.digest: JobId("b")}
HEAD = "seedrender: 1\nname: {}\ndefaults: {{tier: fast, resolution: 480p, duration: 4}}\n"


@dataclass
class Other:
    """A manifest with these jobs."""

    ids: Collection[JobId]
    outputs: frozenset[str] = frozenset()

    def unused(self, lock: Lock) -> Lock:
        entries = {job: entry for job, entry in lock.entries.items() if job not in self.ids}
        return Lock(manifest=lock.manifest, entries=entries)


@dataclass
class Folder:
    """A folder with two manifests, of which `film.yaml` has a lockfile."""

    path: Path
    is_right: bool = True
    loaded: list[str] = field(default_factory=list)

    def load(self, path: Path) -> Other:
        self.loaded.append(path.name)
        if not self.is_right:
            raise ManifestError([])
        return Other([JobId("a")])

    def siblings(self) -> Siblings:
        for name in ("film", "act2"):
            (self.path / f"{name}.yaml").write_text(HEAD.format(name))
        lock = Lock(manifest="film.yaml", entries={one.job: one for one in (KEPT, DONE)})
        (self.path / "film.lock").write_text(lockfile.dumps(lock))
        ours = Ownership(
            manifest=self.path / "act2.yaml",
            title="act2",
            output_dir="renders",
            roots=Roots.around(self.path),
        )
        return Siblings(ours, self.load)


def test_what_another_manifest_has_no_job_for_is_found_once_it_may_be_wanted(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path)
    siblings = folder.siblings()

    assert siblings.left(dict).entries == {}
    assert siblings.left(lambda: {"sha256:other": JobId("x")}).entries == {}
    assert folder.loaded == []
    found = [siblings.left(lambda: WANTED) for _ in range(2)]
    assert [dict(lock.entries) for lock in found] == [{DONE.job: DONE}] * 2
    assert (folder.loaded, siblings.paths) == (["film.yaml"], {"renders/b.mp4"})


def test_a_manifest_that_is_not_right_and_bought_what_is_wanted_stops_the_buying(
    tmp_path: Path,
) -> None:
    siblings = Folder(tmp_path, is_right=False).siblings()

    assert siblings.left(lambda: {"sha256:other": JobId("x")}).entries == {}
    with pytest.raises(
        LockError, match=r"^film.yaml has bought just what b asks.* b --task task-c1`"
    ):
        siblings.left(lambda: WANTED)


def test_a_lockfile_beside_that_cannot_be_read_stops_the_buying(tmp_path: Path) -> None:
    siblings = Folder(tmp_path).siblings()
    (tmp_path / "film.lock").write_text("<<<<<<< ours\n")

    assert siblings.left(dict).entries == {}  # where nothing is wanted
    with pytest.raises(LockError, match=r"^film\.yaml may have bought what is wanted here"):
        siblings.left(lambda: WANTED)


@pytest.mark.parametrize("where", ["film.lock.journal", ".seedrender/film.lock"])
def test_what_is_in_a_journal_or_a_memory_beside_counts_too(tmp_path: Path, where: str) -> None:
    siblings = Folder(tmp_path).siblings()
    (tmp_path / "film.lock").write_text(lockfile.dumps(Lock(manifest="film.yaml")))
    paid = entry("b", replace(DONE.tasks[0], provider="ark"), output=DONE.output)
    if where == "film.lock.journal":
        header = json.dumps({"journal": 1, "manifest": "film.yaml"}).encode() + b"\n"
        (tmp_path / where).write_bytes(header + lockfile.journal_line(paid))
    else:
        log = PurchaseLog(tmp_path / "film.lock")
        assert (
            log.keep(Lock(manifest="film.yaml", entries={paid.job: paid}), write_atomically) == ""
        )

    assert dict(siblings.left(lambda: WANTED).entries) == {paid.job: paid}


def test_what_lies_on_the_line_of_an_id_that_is_used_again_is_handed_on(tmp_path: Path) -> None:
    speed = ("--sim-speed", "600")
    film = f"{HEAD.format('film')}shots:\n"
    (tmp_path / "film.yaml").write_text(f"{film}  s1: {{prompt: A.}}\n  s2: {{prompt: B.}}\n")
    assert seedrender(tmp_path, "run", "film.yaml", *speed).returncode == 0
    (tmp_path / "film.yaml").write_text(f"{film}  s1: {{prompt: B.}}\n")
    (tmp_path / "act1.yaml").write_text(
        f"{HEAD.format('act1')}output: {{dir: act1}}\nshots:\n  s1: {{prompt: A.}}\n"
    )

    ran = [seedrender(tmp_path, "run", name, *speed) for name in ("film.yaml", "act1.yaml")]

    assert [one.returncode for one in ran] == [0, 0]
    assert not any("submitted" in one.stdout + one.stderr for one in ran)


@pytest.mark.parametrize("runs_first", [False, True])
def test_a_film_that_is_split_buys_nothing_again(tmp_path: Path, *, runs_first: bool) -> None:
    a, b, speed = "  a: {prompt: A kite.}\n", "  b: {prompt: A fox.}\n", ("--sim-speed", "600")
    (tmp_path / "film.yaml").write_text(f"{HEAD.format('film')}shots:\n{a}{b}")
    assert seedrender(tmp_path, "run", "film.yaml", *speed).returncode == 0
    clip_of_b = (tmp_path / "renders/b.mp4").read_bytes()
    (tmp_path / "film.yaml").write_text(f"{HEAD.format('film')}shots:\n{a}")
    (tmp_path / "act2.yaml").write_text(
        f"{HEAD.format('act2')}output: {{dir: renders/act2}}\nshots:\n{b}"
    )
    if runs_first:
        assert seedrender(tmp_path, "run", "film.yaml", *speed).returncode == 0

    planned = seedrender(tmp_path, "plan", "act2.yaml").stdout
    ran = seedrender(tmp_path, "run", "act2.yaml", *speed)

    assert "Nothing to buy" in planned
    assert (ran.returncode, "submitted" in ran.stdout + ran.stderr) == (0, False)
    assert (tmp_path / "renders/act2/b.mp4").read_bytes() == clip_of_b
    assert (tmp_path / "renders/b.mp4").read_bytes() == clip_of_b
    assert "Everything is done" in seedrender(tmp_path, "run", "film.yaml").stdout
    assert "Everything is done" in seedrender(tmp_path, "run", "act2.yaml").stdout


def test_a_part_of_a_film_that_moves_to_another_folder_is_not_bought_again(tmp_path: Path) -> None:
    for folder in (".git", "acts", "copy"):
        (tmp_path / folder).mkdir()
    a, b, speed = "  a: {prompt: A kite.}\n", "  b: {prompt: A fox.}\n", ("--sim-speed", "600")
    (tmp_path / "film.yaml").write_text(f"{HEAD.format('film')}shots:\n{a}{b}")
    assert seedrender(tmp_path, "run", "film.yaml", *speed).returncode == 0
    (tmp_path / "film.yaml").write_text(f"{HEAD.format('film')}shots:\n{a}")
    (tmp_path / "acts/two.yaml").write_text(f"{HEAD.format('two')}shots:\n{a}{b}")

    planned = json.loads(seedrender(tmp_path, "plan", "acts/two.yaml", "--json").stdout)
    ran = seedrender(tmp_path, "run", "acts/two.yaml", "b", *speed)

    assert {one["job"]: one["will_submit"] for one in planned["jobs"]} == {"a": True, "b": False}
    assert (ran.returncode, "submitted" in ran.stdout + ran.stderr) == (0, False)
    made, found = (tmp_path / name for name in ("renders/b.mp4", "acts/renders/b.mp4"))
    assert made.read_bytes() == found.read_bytes()


def test_one_of_another_folder_that_is_not_right_stops_the_buying(tmp_path: Path) -> None:
    for name in (".git", "acts"):
        (tmp_path / name).mkdir()
    film = Folder(tmp_path, is_right=False)
    film.siblings()
    ours = Ownership(
        manifest=tmp_path / "acts/two.yaml",
        title="two",
        output_dir="renders",
        roots=Roots.around(tmp_path / "acts"),
    )

    with pytest.raises(LockError, match=r"^\.\./film\.yaml has bought just what b asks for"):
        Siblings(ours, film.load).left(lambda: WANTED)
    (tmp_path / "film.lock").unlink()
    assert Siblings(ours, film.load).left(lambda: WANTED).entries == {}


def test_what_another_folders_files_say_leads_nowhere_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "home" / "acts")
    folder.path.mkdir(parents=True)
    (tmp_path / "home/.git").mkdir()
    siblings = folder.siblings()
    (folder.path / "film.lock").unlink()
    (folder.path / "film.yaml").unlink()
    (tmp_path / "outside.yaml").touch()
    knows = Lock(manifest="outside.yaml", entries={DONE.job: DONE})
    (tmp_path / "outside.lock").write_text(lockfile.dumps(knows))
    (tmp_path / "home/there.yaml").touch()
    for number, name in enumerate(("../outside.yaml", "not there", "there.yaml")):
        lock = Lock(manifest=name, entries={DONE.job: DONE})
        (tmp_path / f"home/{number}.lock").write_text(lockfile.dumps(lock))

    assert siblings.left(lambda: WANTED).entries == {}


def test_a_shot_that_moves_beside_one_of_its_definition_is_not_bought_again(tmp_path: Path) -> None:
    fox, car, speed = "{prompt: A fox.}\n", "{prompt: A car.}\n", ("--sim-speed", "600")
    head = f"{HEAD.replace('{}', '{0}')}output: {{{{dir: renders/{{0}}}}}}\nshots:\n"
    (tmp_path / "one.yaml").write_text(f"{head.format('one')}  s1: {fox}  s2: {car}")
    (tmp_path / "two.yaml").write_text(f"{head.format('two')}  s3: {fox}")
    for name in ("one.yaml", "two.yaml"):
        assert seedrender(tmp_path, "run", name, *speed).returncode == 0
    (tmp_path / "one.yaml").write_text(f"{head.format('one')}  s2: {car}")
    (tmp_path / "two.yaml").write_text(f"{head.format('two')}  s3: {fox}  s1: {fox}")

    ran = seedrender(tmp_path, "run", "two.yaml", *speed)

    assert (ran.returncode, "submitted" in ran.stdout + ran.stderr) == (0, False)
    assert (tmp_path / "renders/two/s1.mp4").exists()


def test_a_film_whose_parts_share_a_picture_is_split_and_buys_nothing_again(tmp_path: Path) -> None:
    def text(name: str, *clips: str) -> str:
        shots = "".join(
            f"  {c}: {{prompt: Of {c}., references: [{{use: face, as: first_frame}}]}}\n"
            for c in clips
        )
        head = f"{HEAD.format(name)}output: {{dir: renders/{name}}}\n"
        face = "  face: {prompt: A face., model: seedream-4.5}\n"
        return f"{head}references: {{face: {{shot: face}}}}\nshots:\n{face}{shots}"

    speed = ("--sim-speed", "600")
    (tmp_path / "film.yaml").write_text(text("film", "a", "b", "c"))
    assert seedrender(tmp_path, "run", "film.yaml", *speed).returncode == 0
    (tmp_path / "film.yaml").write_text(text("film", "a"))
    (tmp_path / "act2.yaml").write_text(text("act2", "b", "c"))

    ran = seedrender(tmp_path, "run", "act2.yaml", *speed)

    assert (ran.returncode, " submitted " in ran.stdout + ran.stderr) == (0, False)
    faces = [p.read_bytes() for p in tmp_path.glob("renders/*/face.*")]
    assert len(faces) == 2
    assert faces[0] == faces[1]


@pytest.mark.parametrize(
    ("tasks", "is_lacking"),
    [
        ([], True),
        ([record("c1")], True),
        ([record("c1"), record("c2", JobState.SUCCEEDED)], False),
        ([record("c1"), record("c2", JobState.FAILED)], True),
        ([record("c1"), record("c2", error=f"{LOST}no such task")], True),
    ],
)
def test_what_is_lacking_is_counted_by_what_there_is_and_may_still_be(
    tasks: list[TaskRecord], *, is_lacking: bool
) -> None:
    jobs = [job("a"), job("b")]
    wanted = fingerprint(jobs[0], {}, {})
    mine = entry("a", *(replace(one, fingerprint=wanted) for one in tasks))

    found = lacking(jobs, {}, Lock(manifest="film.yaml", entries={mine.job: mine}))

    assert set(found) == (set(wanted.digests) if is_lacking else set())


def test_manifests_that_have_exchanged_names_buy_on_and_a_real_clash_is_told(
    tmp_path: Path,
) -> None:
    """The lockfiles stayed, so that each names the files of the other."""
    speed = ("--sim-speed", "600")
    one, two = (
        f"{HEAD.format(name)}output: {{dir: renders/{name}}}\nshots:\n  a: {{prompt: {what}.}}\n"
        for name, what in (("one", "A fox"), ("two", "A dog"))
    )
    for name, text in (("one.yaml", one), ("two.yaml", two)):
        (tmp_path / name).write_text(text)
        assert seedrender(tmp_path, "run", name, *speed).returncode == 0
    (tmp_path / "one.yaml").write_text(f"{two}  b: {{prompt: A cow.}}\n")
    for other in ("nonsense", two):  # nobody can say what it makes, or it makes the same files
        (tmp_path / "two.yaml").write_text(other)
        clash = seedrender(tmp_path, "plan", "one.yaml")
        assert "renders/two/a.mp4 is an output of two.yaml too" in clash.stdout + clash.stderr
    (tmp_path / "two.yaml").write_text(one)

    planned = json.loads(seedrender(tmp_path, "plan", "one.yaml", "--json").stdout)
    ran = [seedrender(tmp_path, "run", name, *speed) for name in ("one.yaml", "two.yaml")]
    again = [seedrender(tmp_path, "plan", name, "--check") for name in ("one.yaml", "two.yaml")]

    assert {row["job"]: row["will_submit"] for row in planned["jobs"]} == {"a": False, "b": True}
    assert [done.returncode for done in (*ran, *again)] == [0, 0, 0, 0]
    assert [" submitted " in done.stdout + done.stderr for done in ran] == [True, False]
