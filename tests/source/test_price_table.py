from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from seedrender.errors import ConfigError, ManifestError
from seedrender.source import expand
from seedrender.values.job import Mode, Tier
from seedrender.values.money import Rate, Unit

FILM = (
    "seedrender: 1\nname: film\nprovider: {route}\nprices: {file}\nshots: {{o: {{prompt: A.}}}}\n"
)
HEAD = "date: 2026-11-20\nsource: contract 117\nprices:\n"


def rates(table: str, *, route: str = "modellix", file: str = "prices.yaml") -> tuple[Rate, ...]:
    def read(path: str) -> str:
        if path != file:
            raise ConfigError(f"{path} is no file in this repository")
        return table

    text = FILM.format(route=route, file=file)
    return expand.load(text, "film.yaml", read=read).manifest.rates


def refused(table: str, *, route: str = "modellix", file: str = "prices.yaml") -> str:
    with pytest.raises(ManifestError) as caught:
        rates(table, route=route, file=file)
    return str(caught.value)


def test_a_row_says_what_it_fits_and_takes_the_rest_from_the_top_of_the_file() -> None:
    row = "  - {model: seedance-2.0, tier: fast, mode: v2v, resolution: 720p, rate: 0.0690,"
    found = rates(f"{HEAD}{row} rate_with_video: 0.05, bills_input: false}}\n")

    assert found == (
        Rate(
            model="seedance-2.0",
            tier=Tier.FAST,
            mode=Mode.V2V,
            resolution="720p",
            value=Decimal("0.069"),
            with_video=Decimal("0.05"),
            unit=Unit.SECOND,
            bills_input=False,
            currency="USD",
            source="prices.yaml: contract 117",
            as_of=date(2026, 11, 20),
        ),
    )


def test_a_row_goes_before_the_top_of_the_file() -> None:
    row = "  - {rate: 46, unit: million tokens, date: 2026-11-21, source: a page}\n"
    found = rates(HEAD + row)

    assert (found[0].as_of, found[0].source, found[0].unit) == (
        date(2026, 11, 21),
        "prices.yaml: a page",
        Unit.MILLION_TOKENS,
    )


def test_a_narrow_row_stands_before_a_wide_one() -> None:
    found = rates(HEAD + "  - {mode: v2v, rate: 2}\n  - {rate: 1}\n")

    assert [rate.mode for rate in found] == [Mode.V2V, None]


def test_a_row_for_another_route_is_in_the_money_of_that_route() -> None:
    found = rates(HEAD + "  - {provider: volcengine, rate: 1}\n")

    assert (found[0].provider, found[0].currency) == ("volcengine", "CNY")


def test_a_signed_address_of_a_source_goes_no_further() -> None:
    found = rates(HEAD + "  - {rate: 1, source: 'https://h.example/p?sig=secret'}\n")

    assert found[0].source == "prices.yaml: https://h.example/p"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        pytest.param("", "prices.yaml:1:1: a price table is empty; write a mapping", id="empty"),
        pytest.param("[1]", "a price table is a list", id="a list"),
        pytest.param("prices: {", "prices.yaml:2:1: this is not YAML", id="no YAML"),
        pytest.param("prices: []", "prices is empty", id="no row"),
        pytest.param("date: 2026-11-20\n", "lacks the key 'prices'", id="no prices"),
        pytest.param(HEAD + "  - {}\n", "prices.yaml:4:5: prices[0] lacks the key 'rate'", id="rate"),
        pytest.param(HEAD + "  - {rate: -1}\n", "prices[0].rate is -1; at least 0", id="negative"),
        pytest.param(HEAD + "  - {rate: 9999999}\n", "at most 1000000", id="beyond reason"),
        pytest.param(HEAD + "  - {rate: true}\n", "write a number", id="true"),
        pytest.param(HEAD + "  - {rate: 1, tier: slow}\n", "one of standard, fast, mini", id="tier"),
        pytest.param(HEAD + "  - {rate: 1, unit: minute}\n", "one of second", id="unit"),
        pytest.param(HEAD + "  - {rate: 1, currency: usd}\n", "a currency such as USD", id="money"),
        pytest.param(HEAD + "  - {rate: 1, currency: CNY}\n", "is paid in USD, not in CNY", id="yuan"),
        pytest.param(HEAD + "  - {rate: 1, unit: clip, bills_input: true}\n", "take it out", id="b"),
        pytest.param(HEAD + "  - {rate: 1, provider: sin}\n", "did you mean 'sim'?", id="route"),
        pytest.param(HEAD + "  - {rate: 1, resolution: 72p}\n", "did you mean '720p'?", id="size"),
        pytest.param(HEAD + "  - {rate: 1, date: 2026-13-01}\n", "there is no such day", id="day"),
        pytest.param("prices: [{rate: 1}]\n", "this price has no date; add date:", id="no date"),
        pytest.param(HEAD + "  - {rate: 1}\n  - {rate: 2}\n", "no job reaches this row", id="twice"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_at_its_place(table: str, words: str) -> None:
    assert words in refused(table)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param("/etc/prices.yaml", "is an absolute path", id="absolute"),
        pytest.param("other.yaml", "film.yaml:4:9: prices: other.yaml is no file", id="not there"),
    ],
)
def test_a_table_that_is_not_to_be_had_is_refused_in_the_manifest(file: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        expand.load(FILM.format(route="sim", file=file), "film.yaml", read=_nothing)


def _nothing(path: str) -> str:
    raise ConfigError(f"{path} is no file in this repository")
