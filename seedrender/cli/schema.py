"""`seedrender schema`: what may stand in a manifest?"""

from __future__ import annotations

import json

import click

from seedrender.catalog.models import ROUTES, catalog
from seedrender.cli.console import say_document
from seedrender.errors import ConfigError
from seedrender.source import schema
from seedrender.source.names import known
from seedrender.source.route_schema import narrowed


@click.command("schema")
@click.option("--provider", metavar="NAME", help="Only what this route renders.")
@click.option("--model", metavar="NAME", help="Only what this model of the route renders.")
@click.option("--tier", metavar="TIER", help="Only what this tier of the route renders.")
@click.option("--part", "is_part", is_flag=True, help="Of files that a manifest includes.")
@click.option("--prices", "is_of_prices", is_flag=True, help="Of price tables.")
def command(
    provider: str | None,
    model: str | None,
    tier: str | None,
    *,
    is_part: bool,
    is_of_prices: bool,
) -> int:
    """Print the JSON Schema of manifests (draft 2020-12), for editors and validators.

    With --provider it is narrowed to what the route's models accept, so that an editor refuses a
    resolution, a ratio or a length that the route would refuse.
    """
    if provider is None:
        if model is not None or tier is not None:
            raise ConfigError(
                "--model and --tier narrow the schema of a route: give --provider too"
            )
        say_document(_whole(is_part=is_part, is_of_prices=is_of_prices))
        return 0
    if is_part or is_of_prices:
        raise ConfigError("--part and --prices are of every route: leave --provider out")
    variants = list(catalog(known("provider", provider, ROUTES)).variants.values())
    if model is not None:
        known("model", model, [v.family.name for v in variants])
        variants = [v for v in variants if v.family.name == model]
    if tier is not None:
        known("tier", tier, [v.tier.value for v in variants])
        variants = [v for v in variants if v.tier == tier]
    say_document(json.dumps(narrowed(provider, variants), indent=2, ensure_ascii=False))
    return 0


def _whole(*, is_part: bool, is_of_prices: bool) -> str:
    if is_part and is_of_prices:
        raise ConfigError("--part and --prices are two schemas: give one of them")
    if is_part or is_of_prices:
        return json.dumps(schema.part_schema("prices" if is_of_prices else "part"), indent=2)
    return schema.schema_text().strip()
