"""`plan --out`, `run --plan` and `run --locked`, on the simulator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ConfigError
from seedrender.values.entry import LOST

FILM = """\
seedrender: 1
name: film
vars: {thing: kite}
defaults: {tier: fast, resolution: 480p}
profiles: {long: {duration: 5}}
references: {hero: {image: hero.jpg}}
shots:
  opener: {prompt: "A {{ vars.thing }} over {{ ref.hero }}.", duration: 4}
  closer: {prompt: A boat.}
chains:
  fly: {prompt: One flight., segments: [{duration: 4}, {duration: 4, seed: 2}]}
"""
LAMP = Path(__file__).parents[2] / "examples/brand-campaign/refs/lamp.jpg"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "film.yaml").write_text(FILM)
    shutil.copy(LAMP, tmp_path / "hero.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seedrender(*words: str, code: int = 0) -> str:
    extra = ("--sim-speed", "600") if words[0] == "run" else ()
    done = CliRunner().invoke(
        cli, [*words, *extra], obj=State(), catch_exceptions=False, standalone_mode=False
    )
    assert done.return_value == code, done.output
    return done.stdout


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "film.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def saved(*words: str) -> dict[str, Any]:
    seedrender("plan", "film.yaml", *words, "--out", "film.plan")
    found: dict[str, Any] = json.loads(Path("film.plan").read_text())
    return found


def test_a_saved_plan_says_everything_that_was_agreed_on(folder: Path) -> None:
    found = saved("closer", "fly/02", "--profile", "long", "--set", "thing=drone")
    text = (folder / "film.plan").read_text()

    assert found["choices"] == {
        "profile": "long",
        "vars": {"thing": "drone"},
        "selectors": ["closer", "fly/02"],
        "keep_stale": False,
    }
    assert [(i["kind"], i["id"], i["plan"], i["will_submit"]) for i in found["items"]] == [
        ("job", "closer", "missing", True),
        ("job", "fly/01", "missing", True),
        ("job", "fly/02", "waits", True),
        ("long take", "fly", "waits", False),
    ]
    assert found["items"][0]["price"] == {
        "low": "0.345 USD",
        "expected": "0.345 USD",
        "high": "0.345 USD",
    }
    assert found["items"][2]["parts"]["seed"] == 2
    assert str(folder) not in text
    assert saved("closer", "fly/02", "--profile", "long", "--set", "thing=drone") == found
    assert (folder / "film.plan").read_text() == text


def test_a_run_of_a_saved_plan_takes_its_choices_and_does_exactly_that(folder: Path) -> None:
    saved("opener", "--set", "thing=drone")

    seedrender("run", "film.yaml", "--plan", "film.plan")

    assert (folder / "renders/opener.mp4").exists()
    assert not (folder / "renders/closer.mp4").exists()
    assert "A drone over" in (folder / "film.lock").read_text()
    seedrender("plan", "film.yaml", "opener", "--set", "thing=drone", "--check")


def lengthen(folder: Path) -> None:
    edit(folder, "duration: 4}\n  closer", "duration: 6}\n  closer")


def add_a_shot(folder: Path) -> None:
    edit(folder, "chains:", "  late: {prompt: A dog.}\nchains:")


def drop_a_shot(folder: Path) -> None:
    edit(folder, "  closer: {prompt: A boat.}\n", "")


def change_what_waits(folder: Path) -> None:
    edit(folder, "seed: 2", "seed: 3")


def change_a_picture(folder: Path) -> None:
    (folder / "hero.jpg").write_bytes((folder / "hero.jpg").read_bytes() + b"more")


def change_the_route(folder: Path) -> None:
    edit(folder, "name: film\n", "name: film\nprovider: modellix\n")


def change_the_place(folder: Path) -> None:
    edit(folder, "{prompt: A boat.}", "{prompt: A boat., output: boat.mp4}")


def change_the_join(folder: Path) -> None:
    edit(folder, "One flight.,", "One flight., join: {audio: none},")


def render_a_shot(folder: Path) -> None:
    del folder
    seedrender("run", "film.yaml", "closer")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            lengthen, "job opener: duration_s was 4, is 6; price was 0.276 USD", id="part"
        ),
        pytest.param(add_a_shot, "job late: is new (missing: never rendered)", id="added"),
        pytest.param(drop_a_shot, "job closer: is not asked for any more", id="removed"),
        pytest.param(change_what_waits, "job fly/02: seed was 2, is 3", id="what waits"),
        pytest.param(change_a_picture, "job opener: references was", id="picture"),
        pytest.param(change_the_route, "the route was sim, and is modellix", id="route"),
        pytest.param(
            change_the_place, "output was renders/closer.mp4, is renders/boat", id="place"
        ),
        pytest.param(change_the_join, "long take fly: audio was keep, is none", id="join"),
        pytest.param(render_a_shot, "was to be missing: never rendered, is current", id="lock"),
    ],
)
def test_a_plan_is_refused_when_anything_moved(
    folder: Path, change: Callable[[Path], None], words: str
) -> None:
    saved()
    change(folder)
    before = sorted(folder.rglob("*"))

    with pytest.raises(ConfigError) as caught:
        seedrender("run", "film.yaml", "--plan", "film.plan")

    assert words in str(caught.value)
    assert "film.plan does not hold any more; nothing was sent" in str(caught.value)
    assert sorted(folder.rglob("*")) == before


def test_what_is_done_and_stays_done_is_no_part_of_a_promise(folder: Path) -> None:
    seedrender("run", "film.yaml", "closer")
    saved("opener", "closer")
    edit(folder, "closer: {prompt", "closer: {tags: [sea], prompt")

    seedrender("run", "film.yaml", "--plan", "film.plan")

    assert (folder / "renders/opener.mp4").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words",
    [
        ["--profile", "long"],
        ["--set", "thing=x"],
        ["opener"],
        ["--resubmit", "opener"],
        ["--keep-stale"],
    ],
    ids=["profile", "set", "selector", "resubmit", "keep stale"],
)
def test_a_plan_brings_its_own_choices(words: list[str]) -> None:
    saved()

    with pytest.raises(click.UsageError):
        seedrender("run", "film.yaml", *words, "--plan", "film.plan")


def altered(**changes: Any) -> str:
    return json.dumps({**json.loads(Path("film.plan").read_text()), **changes})


def with_vars(text: str) -> str:
    return Path("film.plan").read_text().replace('"vars": {}', f'"vars": {text}')


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(lambda: "", "is no plan", id="empty"),
        pytest.param(lambda: "[" * 100_000, "is no plan", id="deep"),
        pytest.param(lambda: "[]", "is no plan", id="list"),
        pytest.param(lambda: Path("film.plan").read_text()[:-9], "is not JSON", id="torn"),
        pytest.param(lambda: altered(plan=2), "reads up to 1; upgrade", id="newer"),
        pytest.param(lambda: altered(plan=True), "is no plan", id="no version"),
        pytest.param(lambda: altered(more=1), "unknown key 'more'", id="key"),
        pytest.param(lambda: altered(manifest="other.yaml"), "is a plan of other.yaml", id="other"),
        pytest.param(lambda: altered(items=[{"id": "\x1b[2J"}]), "has not the keys", id="item"),
        pytest.param(lambda: altered(choices={}), "KeyError", id="no choices"),
        pytest.param(lambda: altered(provider=["\x1b"]), r"['\x1b']", id="control"),
        pytest.param(lambda: with_vars('{"a": ' + "[" * 99 + "]" * 99 + "}"), "deeper", id="vars"),
        pytest.param(lambda: with_vars('{"a": "\\ud800"}'), "is no plan", id="half a pair"),
        pytest.param(lambda: with_vars('{"thing": NaN}'), "does not hold", id="no number"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(text: Callable[[], str], words: str) -> None:
    saved()
    Path("film.plan").write_text(text())

    with pytest.raises(ConfigError) as caught:
        seedrender("run", "film.yaml", "--plan", "film.plan")

    assert words in str(caught.value)
    assert "nothing was sent" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_plan_overwrites_a_plan_only(folder: Path) -> None:
    with pytest.raises(ConfigError, match="is there and is no plan"):
        seedrender("plan", "film.yaml", "--out", "film.yaml")

    assert (folder / "film.yaml").read_text() == FILM


def test_a_plan_keeps_no_signed_address(folder: Path) -> None:
    with pytest.raises(ConfigError, match="'thing' is given a signed address"):
        saved("--set", "thing=https://h.example/a.png?X-Amz-Signature=secret")

    assert not (folder / "film.plan").exists()


def test_values_of_vars_come_back_as_they_were(folder: Path) -> None:
    (folder / "vars.yaml").write_text('thing: "no: \\x7f \U0001f680 {{ 1 }}"\n')
    saved("--vars", "vars.yaml")
    (folder / "vars.yaml").unlink()

    seedrender("run", "film.yaml", "--plan", "film.plan")

    assert (folder / "renders/fly.mp4").exists()


def test_a_locked_run_buys_nothing_and_says_what_it_would(folder: Path) -> None:
    said = seedrender("run", "film.yaml", "--locked", code=2)

    assert "nothing was submitted; 4 jobs would be bought:" in said
    assert "film.yaml:8:3: opener: missing: never rendered" in said
    assert sorted(p.name for p in folder.iterdir()) == ["film.yaml", "hero.jpg"]


def test_a_locked_run_does_all_that_is_free_first(folder: Path) -> None:
    seedrender("run", "film.yaml")
    (folder / "renders/opener.mp4").unlink()
    (folder / "renders/fly.mp4").unlink()
    edit(folder, "A boat.", "A ship.")

    found = json.loads(seedrender("run", "film.yaml", "--locked", "--json", code=2))

    assert found["to_buy"] == ["closer"]
    assert (folder / "renders/opener.mp4").exists()
    assert (folder / "renders/fly.mp4").exists()
    assert "A ship." not in (folder / "film.lock").read_text()


@pytest.mark.usefixtures("folder")
def test_a_locked_run_of_what_is_done_is_done() -> None:
    seedrender("run", "film.yaml")

    assert "Everything is done" in seedrender("run", "film.yaml", "--locked")


@pytest.mark.usefixtures("folder")
def test_a_locked_run_gives_no_lost_submit_up() -> None:
    with pytest.raises(click.UsageError):
        seedrender("run", "film.yaml", "--locked", "--resubmit", "opener")


def test_after_a_run_that_a_budget_forbade_the_plan_is_the_same(folder: Path) -> None:
    edit(folder, "name: film\n", "name: film\nrun: {budget: 0.10 USD}\n")
    before = saved()

    seedrender("run", "film.yaml", "closer", code=7)

    assert saved() == before
    assert sorted(p.name for p in folder.iterdir()) == ["film.plan", "film.yaml", "hero.jpg"]


@pytest.mark.usefixtures("folder")
def test_a_plan_by_which_nothing_is_left_is_done() -> None:
    seedrender("run", "film.yaml")
    saved()

    assert "Everything is done" in seedrender("run", "film.yaml", "--plan", "film.plan")


def test_a_plan_that_keeps_what_is_stale_is_run_so(folder: Path) -> None:
    seedrender("run", "film.yaml", "closer")
    edit(folder, "A boat.", "A ship.")
    found = saved("opener", "closer", "--keep-stale")

    seedrender("run", "film.yaml", "--plan", "film.plan")

    assert [(i["id"], i["will_submit"]) for i in found["items"]] == [
        ("opener", True),
        ("closer", False),
    ]
    assert (folder / "renders/opener.mp4").exists()
    assert "A ship." not in (folder / "film.lock").read_text()


def test_a_plan_says_what_is_bought_with_a_clip_that_is_given_up(folder: Path) -> None:
    seedrender("run", "film.yaml")
    (folder / "renders/fly/01.mp4").unlink()

    plain = json.loads(seedrender("plan", "film.yaml", "--json"))
    asked = json.loads(seedrender("plan", "film.yaml", "--resubmit", "fly/01", "--json"))
    lock = folder / "film.lock"
    first = next(line for line in lock.read_text().splitlines() if '"fly/01"' in line)
    row = json.loads(first)
    row["tasks"][0]["error"] = f"{LOST}no such task"
    lock.write_text(lock.read_text().replace(first, json.dumps(row)))
    again = json.loads(seedrender("plan", "film.yaml", "--resubmit", "fly/01", "--json"))

    assert [job["job"] for job in plain["jobs"] if job["will_submit"]] == []
    assert [job["job"] for job in asked["jobs"] if job["will_submit"]] == []
    assert "it is bought again only if it cannot be had" in json.dumps(asked)
    assert [job["job"] for job in again["jobs"] if job["will_submit"]] == ["fly/01", "fly/02"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("other", [["--out", "film.plan"], ["--against", "HEAD"]])
def test_what_a_person_gives_up_now_is_kept_in_no_plan(other: list[str]) -> None:
    with pytest.raises(click.UsageError, match="--resubmit is said to a run"):
        seedrender("plan", "film.yaml", "--resubmit", "opener", *other)


def test_a_plan_says_beforehand_that_a_run_would_be_refused_and_why(folder: Path) -> None:
    edit(folder, "name: film", "name: film\nprovider: modellix")
    plain = json.loads(seedrender("plan", "film.yaml", "--json"))
    (folder / "old.lock").write_text('{"lock": 1, "manifest": "old.yaml"}\n{broken\n')
    (folder / "older.lock").write_text('{"lock": 1, "manifest": "older.yaml"}\n')  # so: no rename
    left = json.loads(seedrender("plan", "film.yaml", "--json"))
    (folder / "old.lock").unlink()
    (folder / ".seedrender").mkdir(exist_ok=True)
    (folder / ".seedrender/film.lock").write_text("")
    memory = seedrender("plan", "film.yaml")

    assert plain["refusal"] is None
    assert "old.lock is of a manifest that is gone, old.yaml" in left["refusal"]
    assert "A run would be refused: .seedrender/film.lock is empty" in memory
