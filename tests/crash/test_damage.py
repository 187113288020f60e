"""Damaged lockfiles and journals, by the command line: exit 3 and a way out, or all that was known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import LockError
from seedrender.lock import fold, lockfile
from seedrender.run import store
from seedrender.values.entry import JobState, Lock, LockEntry
from tests.builders import clip, entry, record
from tests.cli.test_main import seedrender as process

FILM = (
    "seedrender: 1\nname: film\nprovider: sim\nshots: {a: {prompt: A kite.}, b: {prompt: A fox.}}\n"
)
HEADER = b'{"journal": 1, "manifest": "film.yaml"}\n'
LOCK = fold.fold(
    Lock(manifest="film.yaml"),
    [
        entry("a", record("c1", JobState.SUCCEEDED), output=clip("c1", "renders/a.mp4")),
        entry("b", record("c2")),
    ],
)
EVENTS = (
    entry("a", record("c3", JobState.SUBMITTING, task_id=None)),
    entry("a", record("c3")),
    entry("b", record("c2", JobState.FAILED, error="no")),
    entry("b", record("c4", JobState.SUBMITTING, task_id=None)),
)
Harm = Callable[[bytes], bytes]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    film = tmp_path / "film.yaml"
    film.write_text(FILM)
    film.with_suffix(".lock").write_text(lockfile.dumps(LOCK))
    (tmp_path / "film.lock.journal").write_bytes(journal(EVENTS))
    return film


def journal(events: tuple[LockEntry, ...]) -> bytes:
    return HEADER + b"".join(map(lockfile.journal_line, events))


def told(film: Path, *words: str) -> tuple[int, str]:
    """Run a command in this process; whatever is not a deliberate error of the lock leaves it."""
    try:
        done = CliRunner().invoke(
            cli,
            [words[0], *words[1:], str(film)],
            obj=State(),
            catch_exceptions=False,
            standalone_mode=False,
        )
    except LockError as error:
        return int(error.exit_code), str(error)
    return done.return_value, done.output


def marked(text: bytes) -> bytes:
    """Return a text in which a merge left both sides of its last line."""
    *before, last = text.splitlines(keepends=True)
    ours, theirs = b"<<<<<<< HEAD\n" + last, b"=======\n" + last + b">>>>>>> other\n"
    return b"".join(before) + ours + theirs


@pytest.mark.parametrize(
    ("file", "harm", "way", "repaired"),
    [
        pytest.param("lock", lambda _: b"", "lock repair", 3, id="empty"),
        pytest.param("lock", lambda t: b"\x00" * len(t), "lock repair", 3, id="zeroes"),
        pytest.param("lock", lambda t: t[:-30], "lock repair", 3, id="torn"),
        pytest.param(
            "lock", lambda t: t.replace(b'"c2"', b'"c2'), "lock repair", 0, id="a character gone"
        ),
        pytest.param(
            "lock", lambda t: t.replace(b"2026", b"\xff026", 1), "lock repair", 0, id="bits"
        ),
        pytest.param("lock", marked, "lock merge", 0, id="conflict markers"),
        pytest.param(
            "lock",
            lambda t: t.replace(b'"lock": 1', b'"lock": 3'),
            "upgrade seedrender",
            3,
            id="newer",
        ),
        pytest.param(
            "lock", lambda t: t.replace(b"film.yaml", b"x.yaml"), "another name", 3, id="another's"
        ),
        pytest.param(
            "lock.journal",
            lambda t: t.replace(b"task-c3", b"task-c4"),
            "lock repair",
            0,
            id="flipped",
        ),
        pytest.param(
            "lock.journal", lambda t: t[:60] + b"\x00" * 40 + t[100:], "lock repair", 0, id="a hole"
        ),
        pytest.param("lock.journal", marked, "lock repair", 3, id="markers in a journal"),
        pytest.param(
            "lock.journal",
            lambda t: t.replace(b'"journal": 1', b'"journal": 3'),
            "upgrade seedrender",
            3,
            id="newer journal",
        ),
        pytest.param(
            "lock.journal",
            lambda t: t.replace(b"film.yaml", b"x.yaml"),
            "another name",
            0,
            id="another's journal",
        ),
    ],
)
def test_no_run_goes_on_over_damage_and_repair_says_what_it_keeps(
    film: Path, file: str, harm: Harm, way: str, repaired: int
) -> None:
    path = film.with_suffix(f".{file}")
    harmed = harm(path.read_bytes())
    path.write_bytes(harmed)
    (film.parent / "x.yaml").write_text("another manifest, which is there\n")

    ran = process(film.parent, "run", film.name)
    kept = path.read_bytes()
    mended = process(film.parent, "lock", "repair", film.name)

    assert (ran.returncode, "Traceback" in ran.stderr + mended.stderr) == (3, False), ran.stderr
    assert way in ran.stderr
    assert kept == harmed
    assert not (film.parent / ".seedrender" / "sim").exists()  # no provider was even started
    said = mended.stdout + mended.stderr
    assert mended.returncode == repaired, said
    kept_it = ("lines are kept", "none of them damaged", "in its first line")
    refused = ("othing was changed", "upgrade")
    assert any(words in said for words in (refused if repaired else kept_it)), said


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(EVENTS * 2, id="all twice"),
        *(
            pytest.param(order, id=f"order {number}")
            for number, order in enumerate(itertools.permutations(EVENTS))
        ),
    ],
)
def test_lines_of_a_journal_may_come_twice_and_in_any_order(
    film: Path, events: tuple[LockEntry, ...]
) -> None:
    film.with_suffix(".lock.journal").write_bytes(journal(events))

    assert store.read(film.with_suffix(".lock"), film.name) == fold.fold(LOCK, EVENTS)
    assert told(film, "status")[0] == 0


def test_lines_of_a_lockfile_may_come_twice_and_in_any_order(film: Path) -> None:
    path = film.with_suffix(".lock")
    header, *lines = path.read_text().splitlines(keepends=True)
    whole = store.read(path, film.name)

    for order in itertools.permutations([*lines, *lines[:1]]):
        path.write_text("".join([header, *order]))
        assert store.read(path, film.name) == whole
        assert told(film, "status")[0] == 0


def flips(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Flip a bit of every byte: each bit has its turn."""
    for place in range(len(text)):
        changed = bytearray(text)
        changed[place] ^= 1 << place % 8
        yield place, bytes(changed)


@pytest.mark.parametrize("file", ["lock", "lock.journal"])
def test_no_flipped_bit_is_a_bug_or_a_smaller_history(film: Path, file: str) -> None:
    path = film.with_suffix(f".{file}")
    whole, text = store.read(film.with_suffix(".lock"), film.name), path.read_bytes()
    refused = 0

    for place, flipped in flips(text):
        path.write_bytes(flipped)
        code, words = told(film, "status", "--json")
        if code == 3:
            refused += 1
            assert any(
                way in words for way in ("lock repair", "another name", "upgrade", "lock merge")
            )
            continue
        found = store.read(film.with_suffix(".lock"), film.name)
        assert (code, bool(json.loads(words))) == (0, True), (place, flipped)
        assert tasks_in(found) >= tasks_in(whole), (place, flipped)

    assert refused > len(text) // 2


def tasks_in(lock: Lock) -> tuple[int, int]:
    """Return how many submits a lock knows, and how many of their tasks."""
    found = [record for entry in lock.entries.values() for record in entry.tasks]
    return len(found), sum(record.task_id is not None for record in found)


def test_a_journal_cut_anywhere_loads_and_knows_every_whole_line(film: Path) -> None:
    path = film.with_suffix(".lock.journal")
    text = path.read_bytes()
    for cut in range(len(text) + 1):
        path.write_bytes(text[:cut])
        lines = max(text[:cut].count(b"\n") - 1, 0)

        code, words = told(film, "status")

        found = store.read(film.with_suffix(".lock"), film.name)
        assert code == 0, words
        assert tasks_in(found) >= tasks_in(fold.fold(LOCK, EVENTS[:lines])), cut
