"""The pages about routes against the data that the program uses."""

from __future__ import annotations

from importlib.resources import files

import pytest

from seedrender.catalog.models import Variant, catalog

VARIANTS = [
    pytest.param(route, variant, id=variant.slug)
    for route in ("byteplus", "volcengine")
    for variant in {v.slug: v for v in catalog(route).variants.values()}.values()
]


def page(route: str) -> str:
    return files("seedrender").joinpath("docs", "routes", f"{route}.md").read_text("utf-8")


@pytest.mark.parametrize(("route", "variant"), VARIANTS)
def test_a_page_names_each_model_and_what_it_costs(route: str, variant: Variant) -> None:
    text = page(route)

    assert f"`{variant.slug}`" in text or f"sold until {variant.ended}" in text
    for rate in variant.price_per_million_tokens.values() if variant.ended is None else ():
        both = f"{rate.plain} / {rate.with_video}" if rate.with_video else str(rate.plain)
        assert f"| {both} |" in text


@pytest.mark.parametrize("route", ["byteplus", "volcengine"])
def test_a_page_tells_the_limits_that_are_assumed(route: str) -> None:
    text, data = page("byteplus"), catalog(route)

    assert f"| tasks in flight, for each model | {data.concurrency} |" in text
    assert f"| creations a minute | {data.requests_per_minute} |" in text
    assert f"{data.max_request_bytes // 1_000_000} MB" in text


AGGREGATED = list({v.slug: v for v in catalog("modellix").variants.values()}.values())


@pytest.mark.parametrize("variant", AGGREGATED, ids=lambda v: v.slug)
def test_the_pages_of_the_aggregator_name_each_slug_and_what_it_costs(variant: Variant) -> None:
    name = "docs/neighbours.md" if variant.words else "docs/routes/modellix.md"
    text = files("seedrender").joinpath(*name.split("/")).read_text("utf-8")

    row = next(line for line in text.splitlines() if f"`{variant.slug}`" in line)
    rates = [*variant.price_per_second.values(), *(variant.price_range_per_second or ())]
    rates += [variant.price_per_image] if variant.price_per_image is not None else []
    assert all(str(rate) in row for rate in rates)
    assert bool(rates) or "unknown" in row
    for resolution in variant.resolutions if variant.words else ():
        assert resolution in row or "4k" in row


def test_the_aggregator_s_limits_by_top_up_hold_the_row_that_is_assumed() -> None:
    data = catalog("modellix")

    row = f"| 10 USD | {data.concurrency} | {data.requests_per_minute} |"
    assert row in page("modellix")
    assert f"{data.max_request_bytes // 1_000_000} MB" in page("modellix")


def test_the_page_of_the_neighbours_names_every_field_of_every_word() -> None:
    text = files("seedrender").joinpath("docs", "neighbours.md").read_text("utf-8")
    named = {
        field.name
        for variant in AGGREGATED
        for word, field in variant.words.items()
        if word != "prompt"
    }

    assert {name for name in named if f"`{name}`" not in text} == set()
    assert all(f"`{variant.family.name}`" in text for variant in AGGREGATED if variant.words)
