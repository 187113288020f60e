from __future__ import annotations

import wave
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.sim.app import SimSettings
from tests.served import KEY, account, kept, ledger, simulator

HEAD = """seedrender: 1
name: film
provider: modellix
defaults: {tier: mini, resolution: 480p, duration: 4, audio: false}
run: {poll: {first: 1s, interval: 1s, max_interval: 1s}, concurrency: 10, requests_per_minute: 1000}
references:
  hero: {image: hero.png}
"""


def sound(path: Path, hertz: int) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 1, 8000, 0, "NONE", ""))
        out.writeframes(bytes(n * hertz % 256 for n in range(8000 * 3)))


def film(folder: Path, sounds: int, shots_of_each: int = 1) -> Path:
    """Write shots that speak: each sound is used by so many."""
    Image.new("RGB", (640, 480)).save(folder / "hero.png")
    references, shots = "", "shots:\n"
    for n in range(sounds):
        sound(folder / f"v{n}.wav", n + 1)
        references += f"  v{n}: {{audio: v{n}.wav}}\n"
        for m in range(shots_of_each):
            shots += f'  s{n}x{m}: {{prompt: "{{{{ ref.hero }}}} says {{{{ ref.v{n} }}}}, {m}."}}\n'
    path = folder / "film.yaml"
    path.write_text(HEAD + references + shots)
    return path


def run(manifest: Path, *args: str) -> Result:
    return CliRunner().invoke(
        cli, ["run", str(manifest), *args], obj=State(), standalone_mode=False
    )


def test_more_files_than_the_provider_keeps_go_up_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = film(tmp_path, sounds=12)
    settings = SimSettings(key=KEY, speed=600, footage="patched", uploads=10)
    with simulator(settings) as base_url:
        account(monkeypatch, base_url)
        done = run(manifest)
        asked, left = ledger(base_url), kept(base_url)

    assert done.return_value == 0, done.output
    assert (asked["upload"], asked["submit"], asked["delete"]) == (12, 12, 12)
    assert left == []
    assert not list((tmp_path / ".seedrender").glob("uploads-*"))


def test_a_content_that_many_shots_use_goes_up_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = film(tmp_path, sounds=1, shots_of_each=6)
    with simulator(SimSettings(key=KEY, speed=600, footage="patched")) as base_url:
        account(monkeypatch, base_url)
        done = run(manifest)
        asked = ledger(base_url)

    assert done.return_value == 0, done.output
    assert (asked["upload"], asked["submit"], asked["delete"]) == (1, 6, 1)


def test_files_stay_while_a_task_may_read_them_and_go_with_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = film(tmp_path, sounds=2)
    text = manifest.read_text()
    with simulator(SimSettings(key=KEY, speed=12, footage="patched")) as base_url:
        account(monkeypatch, base_url)
        manifest.write_text(text.replace("concurrency: 10", "deadline: 1.5s, concurrency: 10"))
        cut_off = run(manifest)
        meanwhile = kept(base_url)
        manifest.write_text(text)
        done = run(manifest)
        left = kept(base_url)

    assert (cut_off.return_value, done.return_value) == (5, 0)
    assert len(meanwhile) == 2
    assert left == []
    assert ledger_is_exact(manifest)


def ledger_is_exact(manifest: Path) -> bool:
    """Say whether the lock names one task for each of the two shots."""
    return manifest.with_suffix(".lock").read_text().count('"task_id"') == 2
