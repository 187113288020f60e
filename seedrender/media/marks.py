"""Keeps what says that footage was generated: no file of ours may lack what its parts say.

`AIGC` is the key of GB 45438-2025 (TC260's guide to implicit labels): a JSON object, of which
`Label` is "1" for generated, "2" for probably and "3" for perhaps generated footage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

AIGC, COMMENT = "AIGC", "comment"
_MOST_CHARS = 65_536  # of one mark: as much as is read of a part


def of_all(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the marks of a file that is made of parts with this metadata."""
    whole = {AIGC: _one_label(_said(AIGC, parts)), COMMENT: _listed(_said(COMMENT, parts))}
    return {mark: value for mark, value in whole.items() if value}


def has_label(parts: Sequence[Mapping[str, str]]) -> bool:
    """Say whether a part has the key that a plain MP4 has no place for."""
    return bool(_said(AIGC, parts))


def _said(mark: str, parts: Sequence[Mapping[str, str]]) -> list[str]:
    """Return what parts say under a key, each value once; Matroska writes keys in capitals."""
    found = (v for part in parts for k, v in part.items() if k.casefold() == mark.casefold())
    return list(dict.fromkeys(value[:_MOST_CHARS] for value in found if value))


def _one_label(labels: Sequence[str]) -> str:
    """Say in one label what several say: the surest `Label`, and each other value once."""
    objects = [_object(label) for label in labels]
    if len(labels) < 2 or not all(objects):  # noqa: PLR2004 -- one is restated as it is
        return _listed(labels)
    found: dict[str, list[str]] = {}
    for one in objects:
        for key, value in one.items():
            if value not in found.setdefault(key, []):
                found[key].append(value)
    whole = {k: min(values) if k == "Label" else _listed(values) for k, values in found.items()}
    return json.dumps(whole, ensure_ascii=False)


def _object(label: str) -> Mapping[str, str]:
    """Read a label; empty: it is no object of texts."""
    try:
        found = json.loads(label)
    except (ValueError, RecursionError):
        return {}
    is_plain = isinstance(found, dict) and all(isinstance(v, str) for v in found.values())
    return found if is_plain else {}


def _listed(values: Sequence[str]) -> str:
    """Put texts one behind the other, as many as there is room for."""
    listed = ""
    for value in values:
        longer = f"{listed}; {value}" if listed else value
        if len(longer) > _MOST_CHARS:
            break
        listed = longer
    return listed
