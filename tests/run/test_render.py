"""What a killed run leaves behind is folded in by the next command, even with nothing else to do."""

from __future__ import annotations

from pathlib import Path

from seedrender.run import store
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
    header, *facts = lock.read_text().splitlines(keepends=True)
    whole = lock.read_bytes()
    journal = store.journal_path(lock)
    journal.write_text('{"journal": 1, "manifest": "film.yaml"}\n' + "".join(facts))
    lock.write_text(header)
    (tmp_path / "film.yaml").write_text(FILM)

    done = seedrender(tmp_path, "run", "film.yaml")

    assert (done.returncode, lock.read_bytes()) == (0, whole), done.stderr
    assert not journal.exists()
