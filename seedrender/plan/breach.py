"""Says what moved between a promise and what a run would do now, and refuses to go on."""

from __future__ import annotations

from collections.abc import Iterator

from seedrender.errors import ConfigError, printable
from seedrender.plan.explain import Difference, differences, shown
from seedrender.plan.saved import Item, Promise

_MAX_SHOWN = 20  # jobs that a refusal names
_MAX_CHARS = 200  # of a value that it shows


def keep(made: Promise, now: Promise, name: str) -> None:
    """Hold a run to what was agreed on. Raises: ConfigError with all that moved since."""
    found = moved(made, now)
    if not found:
        return
    more = len(found) - _MAX_SHOWN
    lines = [*found[:_MAX_SHOWN], *([f"… and {more} more"] if more > 0 else [])]
    raise ConfigError(
        "\n".join(
            [
                f"{name} does not hold any more; nothing was sent. Since it was made:",
                *(f"  {line}" for line in lines),
                "Look at `seedrender plan` again, and save that one.",
            ]
        )
    )


def moved(made: Promise, now: Promise) -> list[str]:
    """Say what would be done otherwise than it was agreed on; what is done already may go."""
    found = []
    if made.provider != now.provider:
        found.append(f"the route was {shown(made.provider)}, and is {now.provider}")
    before = {(item.kind, item.id): item for item in made.items}
    after = {(item.kind, item.id): item for item in now.items}
    for key in {**before, **after}:
        found += _item_moved(before.get(key), after.get(key))
    return found


def _item_moved(old: Item | None, new: Item | None) -> list[str]:
    if old is None or new is None:
        item = old or new
        assert item is not None, "one of the two is there"
        if item.is_done:
            return []
        what = "is not asked for any more" if new is None else f"is new ({_says(item)})"
        return [f"{_subject(item)} {what}"]
    if old.is_done and new.is_done:
        return []
    found = [f"{d.part} was {_short(d.old)}, is {_short(d.new)}" for d in _differences(old, new)]
    if (old.plan, old.will_submit) != (new.plan, new.will_submit):
        found.insert(0, f"was to be {_says(old)}, is {_says(new)}")
    elif old.fingerprint != new.fingerprint and not found:
        found.append("what it is made from changed")
    return [f"{_subject(new)} {'; '.join(found)}"] if found else []


def _differences(old: Item, new: Item) -> Iterator[Difference]:
    yield from differences(old.parts, new.parts)
    before, after = ({"output": i.output, "price": _price(i)} for i in (old, new))
    yield from differences(before, after)


def _price(item: Item) -> str | None:
    if not item.will_submit:
        return None
    amounts = list(dict.fromkeys(item.price.values())) if item.price is not None else []
    return " to ".join(map(str, amounts)) or "unknown"


def _subject(item: Item) -> str:
    place = f"{item.line}: " if item.line else ""
    return printable(f"{place}{item.kind} {item.id}:")


def _says(item: Item) -> str:
    return f"{item.plan}: {_short(item.reason)}"


def _short(value: object) -> str:
    text = shown(value)
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}…"
