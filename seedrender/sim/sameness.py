"""Turns a request into a word that is the same for the same request, wherever its files are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from seedrender.sim.footage import Footage
from seedrender.sim.rules import is_url


class Sameness:
    """Names addresses by what is behind them: they differ by port, signature and upload."""

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self._contents: dict[str, str] = {}  # path of an upload → digest; it never changes

    def digest(self, body: Mapping[str, Any]) -> str:
        """Return the same word for the same request."""
        return digest_of(self.text(body))

    def text(self, body: Mapping[str, Any]) -> str:
        """Return a request with contents in the place of addresses."""
        return json.dumps(self._named(body), sort_keys=True)

    def _named(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._named(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._named(inner) for inner in value]
        return self._content(value) if isinstance(value, str) and is_url(value) else value

    def _content(self, url: str) -> str:
        parent = self._footage.task_behind(url) or self._footage.still_task(url)
        if parent is not None:
            return f"a result of {parent.task_id}"
        path = self._footage.media_behind(url)
        if path is None:
            return url.partition("?")[0]  # a signature may be behind it
        if str(path) not in self._contents:
            found = path.read_bytes() if path.exists() else b""
            self._contents[str(path)] = hashlib.sha256(found).hexdigest()
        return f"an upload of {self._contents[str(path)]}"


def digest_of(*parts: object) -> str:
    """Return the same word for the same parts."""
    text = ":".join(map(str, parts))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
