from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.media import make

HEAD = "seedrender: 1\nname: film\n"
FAST = "defaults: {model: seedance-2.0, tier: fast, resolution: 480p, duration: 4}\n"
FILM = HEAD + FAST + "shots: {a: {prompt: A kite.}, b: {prompt: A boat.}}\n"
CHAIN = "chains: {fly: {prompt: A drone shot., duration: 20}}\n"
TABLE = "date: {date}\nsource: contract 117\nprices:\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seedrender(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, words, obj=State(), standalone_mode=False)
    return done.return_value if done.exception is None else 2, done.output


def run(*words: str) -> tuple[int, str]:
    return seedrender("run", "film.yaml", "--sim-speed", "600", *words)


def as_json(*words: str) -> tuple[int, Mapping[str, Any]]:
    code, output = seedrender(*words, "--json")
    return code, json.loads(output[output.index("{") :])


def write(folder: Path, text: str, rows: str = "", *, days: int = 0) -> None:
    (folder / "film.yaml").write_text(text)
    today = datetime.now(UTC).date()
    table = TABLE.format(date=today - timedelta(days=days)) + rows
    (folder / "prices.yaml").write_text(table)


@pytest.mark.parametrize(
    ("budget", "extra", "code", "words"),
    [
        pytest.param("0.10 USD", "", 7, "up to 0.552 USD, 2 clips, 8 seconds", id="over"),
        pytest.param("0.30 USD", "", 7, "leaves out 1 job (b): up to 0.276 USD", id="one of two"),
        pytest.param("9.00 EUR", "", 7, "money is paid in USD", id="another currency"),
        pytest.param("9.00 USD", "tier: standard, resolution: 720p", 7,
                     "the price of 2 jobs is not known: a, b", id="unknown"),
        pytest.param("[9.00 USD, 1 clip]", "", 7, "run.budget is 1 clip", id="the second of two"),
        pytest.param("9.00 USD", "", 0, "2 current", id="within"),
    ],
)  # fmt: skip
def test_a_budget_is_kept(folder: Path, budget: str, extra: str, code: int, words: str) -> None:
    settings = f"profiles: {{p: {{{extra}}}}}\nrun: {{budget: {budget}}}\n"
    write(folder, FILM + settings)

    found = run("--profile", "p")

    assert (found[0], words in found[1]) == (code, True), found[1]


def test_where_nothing_may_be_bought_nothing_is_opened_or_written(folder: Path) -> None:
    write(folder, FILM + "run: {budget: 0.10 USD}\n")

    run()

    assert sorted(path.name for path in folder.iterdir()) == ["film.yaml", "prices.yaml"]


def test_a_run_may_have_a_budget_of_its_own_in_clips(folder: Path) -> None:
    write(folder, FILM)

    first = run("--budget", "1 clip")
    second = run("--budget", "1 clip")

    assert (first[0], second[0]) == (7, 0)
    assert "--budget is 1 clip, 1 clip of it taken" in first[1]


def test_a_limit_that_is_none_is_refused(folder: Path) -> None:
    write(folder, FILM)

    assert run("--budget", "ten")[0] == 2


def test_an_unknown_price_may_be_allowed(folder: Path) -> None:
    unknown = FILM.replace("tier: fast, resolution: 480p", "tier: standard, resolution: 720p")
    write(folder, unknown + "run: {budget: 9.00 USD}\n")

    assert run("--allow-unknown-price")[0] == 0


def test_programs_are_told_how_far_the_money_went(folder: Path) -> None:
    write(folder, FILM + "run: {budget: 0.30 USD}\n")
    run()

    code, found = as_json("run", "film.yaml", "--sim-speed", "600")

    assert (code, found["exit_code"]) == (7, 7)
    assert found["budget"] == {
        "left_out": ["b"],
        "limits": [
            {
                "budget": "run.budget",
                "limit": "0.30 USD",
                "taken": "0.276 USD",
                "before": "0.276 USD",
            }
        ],
    }


def test_a_plan_says_what_a_budget_would_leave_out(folder: Path) -> None:
    write(folder, FILM + "run: {budget: 0.30 USD}\n")

    text = seedrender("plan", "film.yaml")[1]
    found = as_json("plan", "film.yaml")[1]

    assert "A run would end with exit code 7: the budget leaves out 1 job (b)" in text
    assert found["cost"]["budget"]["left_out"] == ["b"]


def test_a_films_own_prices_go_before_the_built_in_ones(folder: Path) -> None:
    rows = "  - {tier: fast, mode: v2v, rate: 0.05}\n  - {tier: fast, unit: clip, rate: 0.5}\n"
    write(folder, FILM + CHAIN + "prices: prices.yaml\n", rows)

    found = as_json("plan", "film.yaml")[1]

    prices = {job["job"]: job["price"] for job in found["jobs"]}
    assert prices["a"]["high"] == "0.50 USD"
    assert (prices["fly/02"]["low"], prices["fly/02"]["high"]) == ("0.25 USD", "1.00 USD")
    assert prices["fly/02"]["why"] == [
        "it is not known whether the seconds of the input video are billed"
    ]
    assert (found["cost"]["low"], found["cost"]["high"]) == ("1.75 USD", "2.50 USD")


@pytest.mark.parametrize(("days", "is_old"), [(60, False), (61, True)])
def test_a_price_says_its_date_and_source_and_whether_it_is_old(
    folder: Path, days: int, *, is_old: bool
) -> None:
    write(folder, FILM + "prices: prices.yaml\n", "  - {rate: 0.05}\n", days=days)

    text = seedrender("plan", "film.yaml")[1]
    found = as_json("plan", "film.yaml")[1]["cost"]["prices"]

    assert "Prices: 2 by prices.yaml: contract 117 of " in text
    assert (f"{days} days old: look it up again" in text) == is_old
    assert [(row["source"], row["is_old"]) for row in found] == [
        ("prices.yaml: contract 117", is_old)
    ]


def test_a_local_clip_among_the_references_is_measured_for_the_price(folder: Path) -> None:
    make.clip(
        folder / "dance.mp4",
        width=640,
        height=640,
        duration_s=6,
        seed=1,
        title="x",
        has_sound=False,
    )
    shot = (
        "references: {dance: {video: dance.mp4}}\n"
        "shots: {a: {prompt: 'As in {{ ref.dance }}.', references: [dance]}}\n"
    )
    write(
        folder, HEAD + FAST + shot + "prices: prices.yaml\n", "  - {rate: 1, bills_input: true}\n"
    )

    found = as_json("plan", "film.yaml")[1]

    assert found["jobs"][0]["price"]["expected"] == "10.00 USD"


def test_status_compares_costs_with_estimates(folder: Path) -> None:
    write(folder, FILM + "prices: prices.yaml\n", "  - {unit: clip, rate: 0.30}\n")
    run()

    text = seedrender("status", "film.yaml")[1]
    found = as_json("status", "film.yaml")[1]

    assert "Simulated cost of 2 tasks: 0.552 USD" in text
    assert "0.552 USD against an estimate of 0.60 USD (-8.0%)" in text
    assert found["jobs"][0]["tasks"][0]["estimate"] == {
        "amount": "0.3",
        "currency": "USD",
        "seconds": "4",
        "source": "prices.yaml: contract 117",
        "as_of": str(datetime.now(UTC).date()),
    }
    assert found["cost"]["simulated_cost"]["paid"] == {"USD": "0.552"}


def test_status_counts_tasks_of_which_no_cost_is_known(folder: Path) -> None:
    unknown = FILM.replace("tier: fast, resolution: 480p", "tier: standard, resolution: 720p")
    write(folder, unknown)
    run()

    text = seedrender("status", "film.yaml")[1]

    assert "not known" in text
    assert "Simulated cost of 2 tasks: not known" in text


def test_a_films_own_prices_do_not_lift_the_budget_of_the_command(folder: Path) -> None:
    write(folder, FILM + "prices: prices.yaml\n", "  - {rate: 0}\n")

    planned = seedrender("plan", "film.yaml")[1]
    code, said = run("--budget", "0.30 USD")

    assert "To buy: 0.00 USD" in planned
    assert "By published prices it would be 0.552 USD: --budget counts the higher ones." in planned
    assert (code, "1 current, 1 missing" in said) == (7, True), said
