"""Turns the file that `prices` names into rates that go before the built-in ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from seedrender.catalog.models import ROUTES, catalog
from seedrender.errors import ConfigError, ManifestError, Violation
from seedrender.source import schema, yaml_text
from seedrender.source.document import Document
from seedrender.source.parse import did_you_mean, violation
from seedrender.source.scope import Read
from seedrender.values.job import Mode, Tier
from seedrender.values.manifest import Path
from seedrender.values.money import Rate, Unit

_HERE: Path = ("prices",)


def rates(
    manifest: Document, route: str, read: Read, problems: list[Violation]
) -> tuple[Rate, ...]:
    """Return the rates of the manifest's own table; what is wrong is added to `problems`."""
    name = manifest.root.get("prices")
    if name is None:
        return ()
    if PurePosixPath(name).is_absolute():
        hint = "give it relative to the manifest"
        problems.append(violation(manifest, _HERE, f"prices '{name}' is an absolute path", hint))
        return ()
    try:
        table = yaml_text.parse(read(name), name)
    except ConfigError as error:
        hint = "the path is relative to the manifest"
        problems.append(violation(manifest, _HERE, f"prices: {error}", hint))
        return ()
    except ManifestError as error:
        problems += error.violations
        return ()
    return _of_table(table, route, problems)


def _of_table(table: Document, route: str, problems: list[Violation]) -> tuple[Rate, ...]:
    misshapen = [problem for _, problem in schema.check(table, "prices")]
    problems += misshapen
    if misshapen:
        return ()
    found: list[Rate] = []
    lines: list[int] = []
    for number, row in enumerate(table.root["prices"]):
        path: Path = ("prices", number)
        wrong = list(_wrong(table, path, row))
        problems += wrong
        if wrong:
            continue
        rate = _rate(table.root, row, route, table.file)
        problems += _beside_others(table, path, rate, found, lines, route)
        found.append(rate)
        lines.append(table.origin(path).line)
    return tuple(found)


def _wrong(table: Document, path: Path, row: Mapping[str, Any]) -> Iterator[Violation]:
    """Find what a row says wrongly, or leaves unsaid."""
    for key in ("date", "source"):
        if key not in row and key not in table.root:
            message = f"this price has no {key}"
            hint = f"add {key}: to the row, or to the top of the file for all rows"
            yield violation(table, path, message, hint, code="data")
    place: Path = (*path, "date") if "date" in row else ("date",)
    try:
        date.fromisoformat(row.get("date", table.root.get("date", "2000-01-01")))
    except ValueError:
        yield violation(table, place, "there is no such day", "write 2026-11-23", code="data")
    for key, known in (("provider", ROUTES), *_names().items()):
        if row.get(key, next(iter(known))) not in known:
            message = f"there is no {key} '{row[key]}'"
            yield violation(table, (*path, key), message, did_you_mean(row[key], known))
    if "bills_input" in row and row.get("unit", Unit.SECOND) != Unit.SECOND:
        message = "bills_input is for the unit second"
        hint = "tokens count the input, and a clip's price does not: take it out"
        yield violation(table, (*path, "bills_input"), message, hint, code="data")


@cache
def _names() -> Mapping[str, Mapping[str, None]]:
    """Return every model and resolution of any route."""
    variants = [v for route in ROUTES for v in catalog(route).variants.values()]
    return {
        "model": dict.fromkeys(v.family.name for v in variants),
        "resolution": dict.fromkeys(r for v in variants for r in v.resolutions),
    }


def _rate(table: Mapping[str, Any], row: Mapping[str, Any], route: str, file: str) -> Rate:
    said = {key: row.get(key, table.get(key)) for key in ("currency", "date", "source")}
    with_video = row.get("rate_with_video")
    return Rate(
        provider=row.get("provider"),
        model=row.get("model"),
        tier=Tier(row["tier"]) if "tier" in row else None,
        mode=Mode(row["mode"]) if "mode" in row else None,
        resolution=row.get("resolution"),
        value=Decimal(str(row["rate"])),
        with_video=None if with_video is None else Decimal(str(with_video)),
        unit=Unit(row.get("unit", Unit.SECOND)),
        bills_input=row.get("bills_input"),
        currency=said["currency"] or catalog(row.get("provider", route)).currency,
        source=f"{file}: {said['source'].partition('?')[0]}",  # a signed URL goes no further
        as_of=date.fromisoformat(said["date"]),
    )


def _beside_others(
    table: Document, path: Path, rate: Rate, before: list[Rate], lines: list[int], route: str
) -> Iterator[Violation]:
    """Find a row that no job reaches, and one in money that the route does not take."""
    for earlier, line in zip(before, lines, strict=True):
        if earlier.hides(rate):
            message = f"no job reaches this row: line {line} fits all that it fits"
            yield violation(table, path, message, "put the narrower row first", code="data")
            return
    bills = catalog(rate.provider or route).currency
    if rate.currency != bills and (rate.provider or route) in ROUTES:
        where: Path = (*path, "currency")
        message = f"the route {rate.provider or route} is paid in {bills}, not in {rate.currency}"
        hint = "name the row's provider, or convert the rate"
        yield violation(table, where, message, hint, code="data")
