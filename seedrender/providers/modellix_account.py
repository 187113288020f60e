"""Asks Modellix about an account: whether the key is valid, what is left, what is offered."""

from __future__ import annotations

from typing import Any

from seedrender.catalog.models import Catalog
from seedrender.errors import ProtocolError, UnauthorizedError
from seedrender.providers import figures
from seedrender.providers.http import Http
from seedrender.providers.messages import shown
from seedrender.providers.refusals import by_status, strange
from seedrender.values.money import Amount

_MAX_SLUG_CHARS = 200
_PICTURES = frozenset(f"{a}-to-{b}" for a in ("text", "image", "video") for b in ("image", "video"))


class ModellixAccount:
    """Three small reads; nothing is bought."""

    def __init__(self, http: Http, catalog: Catalog) -> None:
        self._http, self._catalog = http, catalog

    async def check_key(self) -> str:
        """Say that the key is valid. Raises: UnauthorizedError where it is not; ProviderError."""
        answer = await self._http.read("/api/v1/apikey/validate")
        is_valid = _data(answer).get("is_valid")
        if is_valid is False:
            raise UnauthorizedError("the service says that the key is not valid")
        if is_valid is not True:
            what = "the answer to a question for the key does not say whether it is valid"
            raise strange(what, answer, by_status)
        return "valid"

    async def balance(self) -> Amount:
        """Return the credit that is left. Raises: ProviderError."""
        answer = await self._http.read("/api/v1/team/balance")
        left = _data(answer).get("balance")
        if isinstance(left, bool) or not isinstance(left, int | float | str):
            what = "the answer to a question for the balance names none"
            raise strange(what, answer, by_status)
        value = figures.decimal(left)
        if value is None or not figures.is_amount(abs(value)):  # arrears are below zero
            kind = f"no number of {self._catalog.currency}"
            raise ProtocolError(f"the balance is unknown: {shown(left)!r} is {kind}")
        return Amount(value, self._catalog.currency)

    async def models(self) -> frozenset[str] | None:
        """Return the slugs of what makes video or pictures. Raises: ProviderError."""
        answer = await self._http.read("/api/v1/models")
        rows = answer.get("models")
        if not isinstance(rows, list):
            raise strange("the list of models is of no known shape", answer, by_status)
        found = [row for row in rows if isinstance(row, dict) and _makes_pictures(row)]
        slugs = (row.get("slug") for row in found)
        return frozenset(s for s in slugs if isinstance(s, str) and 0 < len(s) <= _MAX_SLUG_CHARS)


def _makes_pictures(row: dict[str, Any]) -> bool:
    kind = row.get("type")
    return isinstance(kind, str) and kind in _PICTURES


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    return data if isinstance(data, dict) else {}
