"""Whatever a link is signed with: it opens nothing for those who read what is written and said."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.values.signed_url import TABLE

PLANTED = "planted8c1f"
FILM = """\
seedrender: 1
name: film
vars: {{place: "{url}"}}
defaults: {{tier: fast, resolution: 480p}}
references:
  hero: {{image: "{url}"}}
shots:
  opener: {{prompt: "A kite as {{{{ ref.hero }}}}, see {{{{ vars.place }}}} .", duration: 4}}
"""
NAMES = sorted({name.replace("*", "x") for names in TABLE.values() for name in names})
JWT = f"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ{PLANTED}.c2ln"


def said(*words: str) -> str:
    done = CliRunner().invoke(cli, [*words], obj=State(), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def everything(folder: Path, query: str) -> str:
    """Return all that is said and written of a film whose reference has this query."""
    url = f"https://cdn.example.org/a.png?{query}"
    (folder / "film.yaml").write_text(FILM.format(url=url))
    found = [
        said("check", "film.yaml"),
        said("expand", "film.yaml"),
        said("expand", "film.yaml", "--json"),
        said("expand", "film.yaml", "--explain", "opener"),
        said("expand", "film.yaml", "--explain", "opener", "--json"),
        said("plan", "film.yaml", "--json"),
        said("plan", "film.yaml", "--out", "film.plan"),
        said("explain", "film.yaml", "opener", "--json"),
        said("report", "film.yaml"),
    ]
    (folder / "film.yaml").unlink()
    return "".join([*found, *(path.read_text() for path in folder.iterdir())])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_signing_parameter_is_shown_or_written(folder: Path) -> None:
    every = [(name, f"{PLANTED}{n}") for n, name in enumerate(NAMES)]

    found = everything(folder, urlencode([("id", 7), *every, ("x", JWT)]))

    assert "https://cdn.example.org/a.png?f422c82d6db73d91" in found
    assert PLANTED not in found


def test_a_link_that_is_not_signed_is_shown_as_it_is(folder: Path) -> None:
    assert "see https://cdn.example.org/a.png?id=7 ." in everything(folder, "id=7")


def test_a_signature_in_the_path_is_not_shown_either(folder: Path) -> None:
    url = f"https://cdn.example.org/a.png;sig={PLANTED}"
    (folder / "film.yaml").write_text(FILM.format(url=url).replace(", see {{ vars.place }} .", ""))

    shown = said("expand", "film.yaml")

    assert "https://cdn.example.org/a.png;sig=…" in shown
    assert PLANTED not in shown
