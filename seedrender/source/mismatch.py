"""Says in words why a value does not fit the JSON Schema that a template gives for its param."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import jsonschema_rs

from seedrender.source.names import closest
from seedrender.source.schema import TYPE_WORDS, shown

_OTHERS = ('"$ref"', '"$dynamicRef"', '"$schema"')
_WANTED: Mapping[str, Callable[[Any], str]] = {  # keyword → what its limit asks for
    "type": lambda limit: " or ".join(TYPE_WORDS.get(name, name) for name in sorted(limit)),
    "enum": lambda limit: f"one of {', '.join(map(_plain, limit))}",
    "const": lambda limit: f"{_plain(limit)}",
    "minimum": lambda limit: f"at least {limit}",
    "maximum": lambda limit: f"at most {limit}",
    "exclusiveMinimum": lambda limit: f"more than {limit}",
    "exclusiveMaximum": lambda limit: f"less than {limit}",
    "multipleOf": lambda limit: f"a multiple of {limit}",
    "pattern": lambda limit: f"a text that matches {limit}",
    "format": lambda limit: f"a text of the format {limit}",
    "minLength": lambda limit: f"{limit} characters or more",
    "maxLength": lambda limit: f"{limit} characters at most",
    "minItems": lambda limit: f"{limit} items or more",
    "maxItems": lambda limit: f"{limit} items at most",
    "minProperties": lambda limit: f"{limit} keys or more",
    "maxProperties": lambda limit: f"{limit} keys at most",
    "uniqueItems": lambda _: "no item twice",
    "required": lambda limit: f"the key '{limit}' too",
    "falseSchema": lambda _: "nothing: no value fits",
    "additionalProperties": lambda limit: f"it without {', '.join(map(_plain, limit))}",
}


def mismatch(value: object, rule: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what a value is, or what its rule is, and what is wanted; None where it fits."""
    text = json.dumps(rule)
    if any(word in text for word in _OTHERS):
        return "has a rule that refers to another schema", "that is not followed: write it out"
    try:
        found = next(iter(_validator(text).iter_errors(value)), None)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        return "has a rule that is no JSON Schema", str(error).splitlines()[0]
    return None if found is None else _words(found)


@cache
def _validator(text: str) -> Any:
    return jsonschema_rs.Draft202012Validator(json.loads(text))


def _words(error: Any) -> tuple[str, str]:
    best = _best(error)
    step = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in best[0].instance_path)
    is_what = f"is {shown(best[0].instance)}"
    wanted = list(dict.fromkeys(map(_wanted, best)))
    hint = wanted[0] if wanted[0].startswith("did you") else f"write {', or '.join(wanted)}"
    return f"has a {step.removeprefix('.')} that {is_what}" if step else is_what, hint


def _best(error: Any) -> Sequence[Any]:
    """Return what to say: of alternatives, those that the value comes nearest to.

    One that it meets further inside is nearer; of the others, one whose type it has.
    """
    branches = [list(branch) for branch in getattr(error.kind, "context", ())]
    if not any(branches):
        return [error]
    found = [_best(branch[0]) for branch in branches if branch]
    deepest = max(len(errors[0].instance_path) for errors in found)
    near = [errors for errors in found if len(errors[0].instance_path) == deepest]
    typed = [errors for errors in near if _has_type(errors[0])]
    return [one for errors in typed or near for one in errors]


def _has_type(error: Any) -> bool:
    if error.kind.name == "enum":
        return any(type(option) is type(error.instance) for option in error.kind.value)
    return bool(error.kind.name != "type")


def _wanted(error: Any) -> str:
    name, limit = error.kind.name, error.kind.value
    if name == "enum":
        close = closest(str(error.instance), [str(option) for option in limit])
        if close is not None:
            return f"did you mean '{close}'?"
    return _WANTED[name](limit) if name in _WANTED else f"what fits: {error.message[:120]}"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
