from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ConfigError, ManifestError, SeedrenderError
from seedrender.sim.app import SimSettings
from tests.served import KEY, account, ledger, simulator

FILM = """seedrender: 1
name: film
provider: modellix
defaults: {tier: fast, resolution: 480p, duration: 5}
run: {poll: {first: 1s, interval: 1s, max_interval: 1s}}
references:
  hero: {image: hero.png}
  street: {image: "https://2130706433/street.png?sig=s3cret"}
shots:
  opener: {prompt: "{{ ref.hero }} flies."}
"""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    Image.new("RGB", (640, 480)).save(tmp_path / "hero.png")
    path = tmp_path / "film.yaml"
    path.write_text(FILM)
    return path


def call(command: str, film: Path, *args: str) -> Result:
    return CliRunner().invoke(cli, [command, str(film), *args], obj=State(), standalone_mode=False)


def test_check_looks_at_each_reference_and_at_the_credit(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(SimSettings(key=KEY, balance=Decimal("0.10"))) as base_url:
        account(monkeypatch, base_url)
        done = call("check", film, "--online")

    assert done.return_value == 0
    assert "hero       image  right  hero.png  png, 640x480, " in done.output
    assert "account: 0.10 USD left, and the plan costs 0.345 USD; that is too little" in done.output


def test_check_says_the_same_to_programs(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film.write_text(FILM.replace("{{ ref.hero }}", "{{ ref.hero }} and {{ ref.street }}"))
    with simulator(SimSettings(key=KEY)) as base_url:
        account(monkeypatch, base_url)
        done = call("check", film, "--online", "--json")

    said = json.loads(done.stdout)
    hero, street = said["references"]
    assert (said["exit_code"], done.return_value) == (2, 2)
    assert (hero["width"], hero["height"], hero["problems"]) == (640, 480, [])
    assert street["problems"] == ["2130706433 is an address in disguise"]
    assert "s3cret" not in done.output
    lines = [v["range"]["start"]["line"] for v in said["violations"] if v["code"] == "preflight"]
    assert lines == [8]


def test_without_a_key_the_references_are_looked_at_all_the_same(film: Path) -> None:
    done = call("check", film, "--online")

    assert done.return_value == 0
    assert "the balance could not be read: MODELLIX_API_KEY is not set" in done.output


def test_check_without_online_asks_nobody(film: Path) -> None:
    film.write_text(FILM.replace("{{ ref.hero }}", "{{ ref.street }}"))

    assert call("check", film).return_value == 0


def test_a_run_buys_nothing_while_a_reference_is_wrong(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (64, 64)).save(film.parent / "hero.png")
    with simulator(SimSettings(key=KEY, speed=600)) as base_url:
        account(monkeypatch, base_url)
        refused = call("run", film)
        after_refusal = ledger(base_url)
        forced = call("run", film, "--no-preflight")
        after = ledger(base_url)

    assert isinstance(refused.exception, ManifestError)
    assert "sides of 300 to 6000 pixels" in str(refused.exception)
    assert after_refusal == {}
    assert (forced.return_value, after["submit"]) == (0, 1)


def test_a_run_that_the_credit_does_not_cover_is_not_begun(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(SimSettings(key=KEY, balance=Decimal("0.10"))) as base_url:
        account(monkeypatch, base_url)
        refused = call("run", film)
        after = ledger(base_url)

    assert isinstance(refused.exception, ConfigError)
    assert "0.10 USD left, and the plan costs 0.345 USD" in str(refused.exception)
    assert "submit" not in after


def test_what_is_paid_is_collected_although_a_reference_of_another_shot_is_wrong(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(SimSettings(key=KEY, speed=600)) as base_url:
        account(monkeypatch, base_url)
        left = call("run", film, "--no-wait")
        film.write_text(FILM + '  street: {prompt: "{{ ref.street }} in rain."}\n')
        refused = call("run", film)
        after = ledger(base_url)

    assert left.return_value == 5
    assert isinstance(refused.exception, ManifestError)
    assert "Nothing more is bought" in refused.stderr
    assert (film.parent / "renders" / "opener.mp4").exists()
    assert after["submit"] == 1


def test_what_is_paid_is_collected_although_the_credit_does_not_last_for_more(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(SimSettings(key=KEY, speed=600, balance=Decimal("0.50"))) as base_url:
        account(monkeypatch, base_url)
        left = call("run", film, "--no-wait")
        film.write_text(FILM + "  closer: {prompt: Rain.}\n")
        refused = call("run", film)
        after = ledger(base_url)

    assert left.return_value == 5
    assert isinstance(refused.exception, ConfigError)
    assert (film.parent / "renders" / "opener.mp4").exists()
    assert after["submit"] == 1


def test_a_run_with_nothing_to_buy_looks_at_nothing(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(SimSettings(key=KEY, speed=600)) as base_url:
        account(monkeypatch, base_url)
        first = call("run", film)
        before = ledger(base_url)
        (film.parent / "renders" / "opener.mp4").unlink()
        again = call("run", film)
        after = ledger(base_url)

    assert (first.return_value, again.return_value) == (0, 0)
    assert before["balance"] == after["balance"] == 1


def test_the_key_is_in_nothing_that_is_said_or_written(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(SimSettings(key=KEY, speed=600)) as base_url:
        account(monkeypatch, base_url)
        said = [call("check", film, "--online").output, call("run", film).output]

    written = [path.read_bytes() for path in film.parent.rglob("*") if path.is_file()]
    assert not any(KEY in text for text in said)
    assert not any(KEY.encode() in content for content in written)


def test_an_address_that_is_none_is_said_before_anything_is_asked(film: Path) -> None:
    done = call("check", film, "--online", "--allow-address", "intern")

    assert isinstance(done.exception, SeedrenderError)
    assert "--allow-address intern" in str(done.exception)
