"""Turns a plan into a promise, a promise into text, and that text into a promise again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seedrender.errors import ConfigError, ManifestError, printable
from seedrender.plan.cost import Estimate
from seedrender.plan.decision import Verdict
from seedrender.plan.explain import Parts, definition
from seedrender.plan.make import JoinStep, Plan, Step
from seedrender.source import yaml_text
from seedrender.values.job import Job
from seedrender.values.money import Amount, Price
from seedrender.values.signed_url import holds_signed

VERSION = 1

_MAX_CHARS = 200  # of a value that is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a command line said about the manifest when the plan was made."""

    profile: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    selectors: tuple[str, ...] = ()
    keep_stale: bool = False
    provider: str | None = None  # the route that was asked for beside the manifest's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What was agreed on for one job or long take; `kind` says which."""

    kind: str
    id: str
    line: str  # where the manifest says it; for people
    plan: str  # a verdict
    reason: str
    will_submit: bool
    output: str
    fingerprint: str | None  # None: it needs a clip that is not there yet
    parts: Parts  # of the fingerprint, as far as they are known
    price: Mapping[str, str] | None  # None: unknown, or nothing is bought

    @property
    def is_done(self) -> bool:
        """Whether nothing is done about it."""
        return self.plan == Verdict.CURRENT.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A plan as it is saved: what a run of it may do, and nothing else."""

    manifest: str  # file name
    provider: str
    chosen: Chosen
    items: tuple[Item, ...]
    cost: Mapping[str, Any] = field(default_factory=dict, compare=False)  # for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What a plan is priced with."""

    price: Callable[[Job], Price]
    digests: Mapping[str, str]  # reference name → sha256 of its bytes


def promise(
    plan: Plan, manifest: str, provider: str, chosen: Chosen, rates: Rates, cost: Estimate
) -> Promise:
    """Make the promise of a plan. Raises: ConfigError where it would keep a signed address."""
    for name, value in chosen.vars.items():
        if any(map(holds_signed, _texts(value))):
            raise ConfigError(
                f"the var '{name}' is given a signed address, and a plan is a file that is handed "
                "around: give the address without its signature, or a file; nothing was written"
            )
    return Promise(
        manifest=manifest,
        provider=provider,
        chosen=chosen,
        items=(*(_job(s, rates) for s in plan.steps), *(_take(j) for j in plan.joins)),
        cost={
            "low": _amount(cost.low),
            "expected": _amount(cost.expected),
            "high": _amount(cost.high),
            "unknown_jobs": cost.unknown,
        },
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in (*value.keys(), *value.values()) if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _job(step: Step, rates: Rates) -> Item:
    job = step.job
    known = step.fingerprint or definition(job, rates.digests)
    return Item(
        kind="job",
        id=job.id,
        line=str(job.origin),
        plan=step.verdict.value,
        reason=step.reason,
        will_submit=step.will_submit,
        output=job.output,
        fingerprint=step.fingerprint.digest if step.fingerprint is not None else None,
        parts=dict(known.parts),
        price=_price(rates.price(job)) if step.will_submit else None,
    )


def _take(step: JoinStep) -> Item:
    return Item(
        kind="long take",
        id=step.take.id,
        line="",
        plan=step.verdict.value,
        reason=step.reason,
        will_submit=False,
        output=step.take.output,
        fingerprint=step.fingerprint.digest if step.fingerprint is not None else None,
        parts={"segments": list(step.take.segments), "audio": step.take.audio},
        price=None,
    )


def _price(price: Price) -> Mapping[str, str] | None:
    if not price.is_known:
        return None
    amounts = {"low": price.low, "expected": price.expected, "high": price.high}
    return {name: str(amount) for name, amount in amounts.items() if amount is not None}


def _amount(amount: Amount | None) -> str | None:
    return None if amount is None else str(amount)


def dumps(made: Promise) -> str:
    """Write a promise; the same one is the same text."""
    whole = {
        "plan": VERSION,
        "manifest": made.manifest,
        "provider": made.provider,
        "choices": {
            "profile": made.chosen.profile,
            "vars": {name: made.chosen.vars[name] for name in sorted(made.chosen.vars)},
            "selectors": list(made.chosen.selectors),
            "keep_stale": made.chosen.keep_stale,
            **({"provider": made.chosen.provider} if made.chosen.provider else {}),
        },
        "cost": dict(made.cost),
        "items": [{name: getattr(item, name) for name in _TYPES} for item in made.items],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


_TYPES: Mapping[str, tuple[type, ...]] = {
    "kind": (str,),
    "id": (str,),
    "line": (str,),
    "plan": (str,),
    "reason": (str,),
    "will_submit": (bool,),
    "output": (str,),
    "fingerprint": (str, type(None)),
    "parts": (dict,),
    "price": (dict, type(None)),
}
_KEYS = {"plan", "manifest", "provider", "choices", "cost", "items"}


def loads(text: str, name: str) -> Promise:
    """Read a promise. Raises: ConfigError for everything that `dumps` did not write."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, f"it is not JSON ({str(error)[:_MAX_CHARS]})") from None
    version = whole.get("plan") if isinstance(whole, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _damaged(name, "it does not begin with a version of plans")
    if version > VERSION:
        raise ConfigError(
            f"{name} has version {version} of plans, and this seedrender reads up to {VERSION}; "
            "upgrade seedrender, or make the plan anew; nothing was sent"
        )
    try:
        return _promise(whole)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(name, f"{type(error).__name__}: {str(error)[:_MAX_CHARS]}") from None


def _promise(whole: Mapping[str, Any]) -> Promise:
    strange = whole.keys() - _KEYS
    if strange:
        raise ValueError(f"unknown key {min(strange)!r}")
    choices, cost = _typed(whole["choices"], dict), _typed(whole["cost"], dict)
    items = tuple(_item(row) for row in _typed(whole["items"], list))
    if len({(item.kind, item.id) for item in items}) < len(items):
        raise ValueError("one job stands there twice")
    return Promise(
        manifest=_typed(whole["manifest"], str),
        provider=_typed(whole["provider"], str),
        chosen=Chosen(
            profile=_typed(choices["profile"], str, type(None)),
            vars=_plain(_typed(choices["vars"], dict)),
            selectors=tuple(_typed(s, str) for s in _typed(choices["selectors"], list)),
            keep_stale=_typed(choices["keep_stale"], bool),
            provider=_typed(choices.get("provider"), str, type(None)),
        ),
        items=items,
        cost=cost,
    )


def _item(row: Any) -> Item:
    if not isinstance(row, dict) or row.keys() != _TYPES.keys():
        raise ValueError("a job has not the keys that a plan has")
    Verdict(row["plan"])
    item = Item(**{key: _typed(row[key], *types) for key, types in _TYPES.items()})
    for amount in (item.price or {}).values():
        _typed(amount, str)
    return item


def _typed(value: Any, *types: type) -> Any:
    if not isinstance(value, types):
        raise TypeError(f"{value!r:.60} is not a {types[0].__name__}")
    return value


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return values within the same bounds as those of a manifest."""
    try:
        found = yaml_text.parse(yaml_text.dump(values), "vars").root
    except (ManifestError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from None
    return dict(found)


def _damaged(name: str, what: str) -> ConfigError:
    return ConfigError(
        f"{name} is no plan that `seedrender plan --out` wrote: {printable(what)}; "
        "make it anew; nothing was sent"
    )
