"""Turns the schema of a request, and what a manifest's words are called in it, into limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seedrender.values.job import MediaKind, Role

SETTINGS = ("audio", "seed", "camera_fixed", "negative_prompt")
_FRAMES = (Role.FIRST_FRAME, Role.LAST_FRAME)
_LISTS = {MediaKind.IMAGE: "images", MediaKind.VIDEO: "videos", MediaKind.AUDIO: "audios"}

Row = dict[str, Any]
Sizes = Mapping[str, Mapping[str, Sequence[int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a word of a manifest is called in a body, and how its value is written there."""

    name: str
    values: Mapping[Any, Any] = field(default_factory=dict)  # ours → the body's; else as it is
    form: str = ""  # of `width` and `height`, where a size stands for resolution and ratio
    is_list: bool = False

    def written(self, value: Any) -> Any:
        """Return a value as it is written in the body."""
        return self.values.get(value, value)


def family(name: str, said: Mapping[str, Any], endpoints: Sequence[Row], sizes: Sizes) -> Row:
    """Return a model's row in the shape of a maker's file, from what its endpoints accept."""
    rows = [row for row in endpoints if row["model"] == name]
    ratios = list(dict.fromkeys(ratio for row in rows for ratio in row["ratios"]))
    lengths = [length for row in rows for length in row["durations_s"]] or [0]
    counts = {kind: max(_count(row, word) for row in rows) for kind, word in _LISTS.items()}
    frames = [role for role in _FRAMES if any(role.value in row["words"] for row in rows)]
    roles = [Role.REFERENCE] * bool(counts[MediaKind.IMAGE]) + frames
    settings = {name for row in rows for name in row["settings"]}
    chars = [row["max_prompt_chars"] for row in rows if row["max_prompt_chars"]]
    media = {kind.value: {**said.get(kind, {}), "max_count": counts[kind]} for kind in MediaKind}
    return {
        "makes": said.get("makes", "video"),
        "format": said.get("format", "mp4"),
        "pixels": said["pixels"],
        "ratios": ratios or ["16:9"],
        "default_ratio": rows[0]["default_ratio"],
        "default_resolution": rows[0]["default_resolution"] or next(iter(sizes)),
        "min_duration_s": min(lengths),
        "max_duration_s": max(lengths),
        "default_duration_s": rows[0]["default_duration_s"],
        "can_choose_duration": False,
        "max_prompt_chars": max(chars, default=None),
        "advised_prompt_words": None,
        "settings": [name for name in SETTINGS if name in settings],
        "roles": roles,
        "audio_needs_visual": False,
        "max_media": sum(counts.values()) + len(frames),
        "placeholders": {
            MediaKind(kind): text for kind, text in said.get("placeholders", {}).items()
        },
        "inferred": said.get("inferred", []),
        "unknown": said.get("unknown", []),
        **media,
    }


def endpoint(row: Row, sizes: Sizes) -> Row:
    """Add to an endpoint what follows from its body."""
    body, words = row["body"], dict(_words(row))
    resolutions, ratios = list(sizes), list(next(iter(sizes.values())))
    if "size" not in words:
        resolutions = _choices(body, words.get("resolution")) or resolutions[:1]
        ratios = _choices(body, words.get("ratio"))
    length = body.get(words["duration"].name, {}) if "duration" in words else {}
    return {
        "tier": "standard",
        **row,
        "modes": [row["mode"]],
        "words": words,
        "resolutions": resolutions,
        "ratios": ratios,
        "default_ratio": _default(body, words.get("ratio")) or _ratio_of(row, words, sizes),
        "default_resolution": _default(body, words.get("resolution")),
        "durations_s": length.get("enum") or _whole(length),
        "default_duration_s": length.get("default", 0),
        "settings": [name for name in SETTINGS if name in words],
        "max_prompt_chars": body[words["prompt"].name].get("maxLength"),
    }


def _words(row: Row) -> Iterator[tuple[str, Field]]:
    for word, said in row["words"].items():
        given: Row = {"field": said} if isinstance(said, str) else said
        rule = row["body"][given["field"]]
        values = {_key(key): value for key, value in given.get("values", {}).items()}
        if word == "resolution" and not values:  # ours are in small letters
            values = {value.lower(): value for value in rule["enum"]}
        is_list = rule["type"] == "array"
        yield (
            word,
            Field(name=given["field"], values=values, form=given.get("form", ""), is_list=is_list),
        )


def _key(text: str) -> Any:
    """Read a key of a table, which TOML knows as texts only."""
    return {"true": True, "false": False}.get(text, text)


def _choices(body: Mapping[str, Any], word: Field | None) -> list[str]:
    if word is None:
        return []
    return list(word.values) or list(body[word.name]["enum"])


def _default(body: Mapping[str, Any], word: Field | None) -> str | None:
    default = body[word.name].get("default") if word is not None else None
    back = {written: value for value, written in word.values.items()} if word is not None else {}
    found: str | None = back.get(default, default)
    return found


def _ratio_of(row: Row, words: Mapping[str, Field], sizes: Sizes) -> str:
    """Return the ratio of a default size; of a body without one, the first of the table."""
    default = _default(row["body"], words.get("size"))
    by_ratio = next(iter(sizes.values()))
    forms = (
        {words["size"].form.format(width=w, height=h): r for r, (w, h) in by_ratio.items()}
        if ("size" in words)
        else {}
    )
    return forms.get(str(default), next(iter(by_ratio)))


def _whole(rule: Mapping[str, Any]) -> list[int]:
    return list(range(rule["minimum"], rule["maximum"] + 1)) if "minimum" in rule else []


def _count(row: Row, word: str) -> int:
    if word not in row["words"]:
        return 0
    rule = row["body"][row["words"][word].name]
    return int(rule.get("maxItems", 1))
