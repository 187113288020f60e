"""What a killed run leaves behind is folded in by the next command, even with nothing else to do."""

from __future__ import annotations

from pathlib import Path

from seedrender.lock import lockfile
from seedrender.lock.fingerprint import fingerprint
from seedrender.project.files import write_atomically
from seedrender.project.hold import journal_path
from seedrender.project.purchases import PurchaseLog
from seedrender.run import project
from seedrender.values.entry import JobState, Lock
from tests.builders import entry, record
from tests.cli.test_main import seedrender

FILM = """\
seedrender: 1
name: film
provider: modellix
shots: {spin: {prompt: A kite.}}
"""


def test_facts_of_a_killed_run_reach_the_lockfile_without_a_key_or_a_request(
    tmp_path: Path,
) -> None:
    (tmp_path / "film.yaml").write_text(FILM.replace("modellix", "sim"))
    seedrender(tmp_path, "run", "film.yaml", "--sim-speed", "600")
    lock = tmp_path / "film.lock"
    header = lock.read_text().partition("\n")[0] + "\n"
    whole = lock.read_bytes()
    whole = whole.replace(b'"provider": "sim"', b'"provider": "modellix"')
    facts = lockfile.loads(whole.decode(), "film.lock").entries.values()
    journal = journal_path(lock)
    head = b'{"journal": 1, "manifest": "film.yaml"}\n'
    journal.write_bytes(head + b"".join(map(lockfile.journal_line, facts)))
    lock.write_text(header)
    (tmp_path / "film.yaml").write_text(FILM)

    done = seedrender(tmp_path, "run", "film.yaml")

    assert (done.returncode, lock.read_bytes()) == (0, whole), done.stderr
    assert not journal.exists()


def test_a_refusal_that_is_only_remembered_reaches_the_lockfile_though_nothing_is_to_be_done(
    tmp_path: Path,
) -> None:
    (tmp_path / "film.yaml").write_text(FILM)
    found = project.load(tmp_path / "film.yaml")
    (spin,) = found.jobs
    of = fingerprint(spin, found.digests, {})
    refused = record("c1", JobState.BLOCKED, fingerprint=of, provider="modellix", error="no")
    known = Lock(manifest="film.yaml", entries={spin.id: entry("spin", refused)})
    PurchaseLog(found.lock_path).keep(known, write_atomically)

    done = seedrender(tmp_path, "run", "film.yaml")

    assert done.returncode == 4, done.stderr
    assert lockfile.loads(found.lock_path.read_text(), "film.lock").entries == known.entries
