"""Narrows the schema of manifests to what one route renders, so that an editor refuses the rest.

A model, a tier or a mode that is written decides what else may be written beside it. It is looked
for where the author would: in the same entry, else in `defaults`, else it is the built-in one. What
comes from a template or an expression is left to `check`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

from seedrender.catalog.bodies import SETTINGS
from seedrender.catalog.models import Variant
from seedrender.source.pictures import OF_CLIPS
from seedrender.source.schema import schema_text
from seedrender.source.settings import DEFAULT_MODEL, DEFAULT_TIER
from seedrender.values.job import CHOSEN_BY_MODEL, MediaKind

_Allowed = Mapping[str, Sequence[Any]]  # key of an entry → what may stand there, in order
_DECIDES: Mapping[str, Callable[[Variant], str]] = {
    "model": lambda variant: variant.family.name,
    "tier": lambda variant: variant.tier.value,
    "mode": lambda variant: variant.mode.value,
}
_BUILT_IN = {"model": DEFAULT_MODEL, "tier": DEFAULT_TIER}
_SWITCHES = SETTINGS
_HOLDERS = ("defaults", "shot", "template", "chain")
_ENTRIES = ("shots", "chains", "profiles")


def narrowed(route: str, variants: Sequence[Variant]) -> dict[str, Any]:
    """Return the schema of manifests for some endpoints of a route; `variants` is not empty."""
    schema: dict[str, Any] = json.loads(schema_text())
    names = list(dict.fromkeys(variant.family.name for variant in variants))
    schema["$id"] += f":{route}"
    schema["title"] += f", for {', '.join(names)} on {route}"
    schema["properties"]["provider"] |= {"const": route}
    definitions = schema["$defs"]
    for key, values in _allowed(variants).items():
        _narrow(definitions["settings"], key, values)
    _narrow_media(definitions, variants)
    conditions = list(_conditions(variants))
    rules = {name: [_own(name, *row) for row in conditions] for name in _HOLDERS}
    holders = {"defaults": schema["properties"]["defaults"], "": schema}
    spared = _Spared(variants)
    rules[""] = [rule for row in conditions for rule in _inherited(*row, spared)]
    for name, found in rules.items():
        if found:
            (holders.get(name) or definitions[name])["allOf"] = found
    return schema


def _allowed(variants: Sequence[Variant]) -> _Allowed:
    """Return what may be written for each key that these endpoints bound."""
    lengths = sorted({length for v in variants for length in v.durations_s})
    return {
        **{key: list(dict.fromkeys(map(name, variants))) for key, name in _DECIDES.items()},
        "resolution": list(dict.fromkeys(r for v in variants for r in v.resolutions)),
        "ratio": list(dict.fromkeys(r for v in variants for r in v.ratios)),
        "duration": [
            *([CHOSEN_BY_MODEL] if any(v.family.can_choose_duration for v in variants) else []),
            *lengths,
        ],
        **{key: [True] if any(key in v.settings for v in variants) else [] for key in _SWITCHES},
    }


def _narrow(settings: dict[str, Any], key: str, values: Sequence[Any]) -> None:
    description = settings[key]["description"]
    if key not in _SWITCHES or not values:
        settings[key] = {"description": description, **_rule(key, values)}


def _rule(key: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return the schema of a value that must be one of these, or an expression."""
    if key in _SWITCHES or not values:
        return {} if values else {"not": {}}
    rule: dict[str, Any] = {"enum": list(values)}
    lengths = [value for value in values if value != CHOSEN_BY_MODEL]
    if key == "duration" and lengths == list(range(lengths[0], lengths[-1] + 1)):
        rule = {"type": "integer", "minimum": lengths[0], "maximum": lengths[-1]}
        if CHOSEN_BY_MODEL in values:
            rule = {"if": {"const": CHOSEN_BY_MODEL}, "else": rule}
    return {"if": {"$ref": "#/$defs/expression"}, "else": rule}


def _narrow_media(definitions: dict[str, Any], variants: Sequence[Variant]) -> None:
    families = [variant.family for variant in variants]
    definitions["settings"]["references"]["maxItems"] = max(f.max_media for f in families)
    longest = [variant.max_prompt_chars for variant in variants]
    if None not in longest:
        definitions["settings"]["prompt"] |= {
            "if": {"$ref": "#/$defs/expression"},
            "else": {"maxLength": max(filter(None, longest))},
        }
    roles = {role.value for family in families for role in family.roles}
    uses = definitions["use"]["then"]["properties"]["as"]
    uses["enum"] = [role for role in uses["enum"] if role in roles] or uses["enum"]


def _conditions(variants: Sequence[Variant]) -> Iterator[tuple[Mapping[str, str], _Allowed]]:
    """Yield what is written, and what may then stand beside it; only where that says more."""
    known: list[tuple[Mapping[str, str], _Allowed]] = [({}, _allowed(variants))]
    for count in range(1, len(_DECIDES) + 1):
        for keys in combinations(_DECIDES, count):
            for values in product(*(_allowed(variants)[key] for key in keys)):
                written = dict(zip(keys, values, strict=True))
                fitting = [v for v in variants if all(_DECIDES[k](v) == written[k] for k in keys)]
                news = _news(written, _allowed(fitting), known) if fitting else {}
                if news:
                    known.append((written, news))
                    yield written, news


def _news(
    written: Mapping[str, str],
    allowed: _Allowed,
    known: Sequence[tuple[Mapping[str, str], _Allowed]],
) -> _Allowed:
    """Return what fewer written keys do not say already."""
    said = [rules for keys, rules in known if keys.items() <= written.items()]
    return {
        key: values
        for key, values in allowed.items()
        if key not in written and not any(list(r.get(key, [None])) == list(values) for r in said)
    }


def _own(name: str, written: Mapping[str, str], allowed: _Allowed) -> Any:
    """Return the rule of an entry that says all of it itself."""
    return {"if": _says(written), "then": _may(_without_length(name, allowed))}


class _Spared:
    """The models that do not take all of the defaults, where an entry names them itself."""

    def __init__(self, variants: Sequence[Variant]) -> None:
        families = {v.family.name: v.family for v in variants if v.words}
        self._others = families.keys()
        self.stills = [n for n, family in families.items() if family.makes is MediaKind.IMAGE]

    def of(self, model: str | None) -> frozenset[str]:
        """Return the settings that defaults may say, whatever the model takes."""
        if model not in self._others:
            return frozenset()
        of_clips = OF_CLIPS if model in self.stills else frozenset()
        return of_clips | {*_SWITCHES, "ratio"}


def _inherited(written: Mapping[str, str], allowed: _Allowed, spared: _Spared) -> Iterator[Any]:
    """Yield the rules of entries that take part of what is written, or bounded, from defaults."""
    apart = () if "model" in written else spared.stills
    for keys in _subsets(written):
        own = {key: value for key, value in written.items() if key not in keys}
        if keys and own.get("model") in spared.stills:
            continue
        default = [_is(key, written[key]) for key in keys]
        if keys:
            entry = {"if": _says(own, keys, apart), "then": _may(allowed)}
            chain = {**entry, "then": _may(_without_length("chain", allowed))}
            yield _entries(default, {"shots": entry, "profiles": entry, "chains": chain})
        if not own:  # what `defaults` says in full is judged there, not in each entry
            default.append({"not": {"required": list(written)}, "required": []})
        for bound, values in allowed.items():
            if bound not in _DECIDES and bound not in spared.of(own.get("model")):
                wrong = {"properties": {bound: {"not": _rule(bound, values)}}, "required": [bound]}
                entry = {"not": _says(own, (*keys, bound), apart)}
                names = [n for n in _ENTRIES if (n, bound) != ("chains", "duration")]
                yield _entries([*default, wrong], dict.fromkeys(names, entry))


def _subsets(keys: Collection[str]) -> Iterator[tuple[str, ...]]:
    for count in range(len(keys) + 1):
        yield from combinations(keys, count)


def _says(
    written: Mapping[str, str], but_not: Collection[str] = (), apart: Collection[str] = ()
) -> dict[str, Any]:
    """Match an entry that says these values, leaves other keys, and is of no model set apart."""
    rule: dict[str, Any] = {
        "properties": {key: {"const": value} for key, value in written.items()},
        "required": list(written),
    }
    if but_not:
        others: list[Any] = [{"required": [key]} for key in (*but_not, "template")]
        if apart:
            model = {"properties": {"model": {"enum": list(apart)}}, "required": ["model"]}
            others.append(model)
        rule["not"] = {"anyOf": others}
    return rule


def _is(key: str, value: str) -> dict[str, Any]:
    """Match defaults with this value, said or built in."""
    required = [] if _BUILT_IN.get(key) == value else [key]
    return {"properties": {key: {"const": value}}, "required": required}


def _may(allowed: _Allowed) -> dict[str, Any]:
    return {"properties": {key: _rule(key, values) for key, values in allowed.items()}}


def _entries(default: Sequence[Any], entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rule of a manifest's entries where its defaults are like this."""
    required = ["defaults"] if any(rule["required"] for rule in default) else []
    return {
        "if": {"properties": {"defaults": {"allOf": list(default)}}, "required": required},
        "then": {"properties": {k: {"additionalProperties": rule} for k, rule in entries.items()}},
    }


def _without_length(name: str, allowed: _Allowed) -> _Allowed:
    """Leave out the length of a chain: it is the whole take's."""
    return {key: v for key, v in allowed.items() if (name, key) != ("chain", "duration")}
