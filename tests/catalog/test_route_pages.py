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
