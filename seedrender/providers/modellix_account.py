"""Asks Modellix about an account: whether the key is valid, what is left, what is offered."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from seedrender.catalog.models import Catalog
from seedrender.errors import ProtocolError, UnauthorizedError
from seedrender.providers.http import Http
from seedrender.values.money import Amount

_MAX_SLUG_CHARS = 200
_PICTURES = frozenset(f"{a}-to-{b}" for a in ("text", "image", "video") for b in ("image", "video"))


class ModellixAccount:
    """Three small reads; nothing is bought."""

    def __init__(self, http: Http, catalog: Catalog) -> None:
        self._http, self._catalog = http, catalog

    async def check_key(self) -> str:
        """Say that the key is valid. Raises: UnauthorizedError where it is not; ProviderError."""
        data = _data(await self._http.read("/api/v1/apikey/validate"))
        if data.get("is_valid") is not True:
            raise UnauthorizedError("the service says that the key is not valid")
        return "valid"

    async def balance(self) -> Amount:
        """Return the credit that is left. Raises: ProviderError."""
        left = _data(await self._http.read("/api/v1/team/balance")).get("balance")
        if isinstance(left, bool) or not isinstance(left, int | float | str):
            raise ProtocolError("the answer to a question for the balance names none")
        try:
            value = Decimal(str(left))
        except InvalidOperation:
            raise ProtocolError("the balance is no number") from None
        if not value.is_finite():
            raise ProtocolError("the balance is no number")
        return Amount(value, self._catalog.currency)

    async def models(self) -> frozenset[str] | None:
        """Return the slugs of what makes video or pictures. Raises: ProviderError."""
        rows = (await self._http.read("/api/v1/models")).get("models")
        if not isinstance(rows, list):
            raise ProtocolError("the list of models is of no known shape")
        found = [row for row in rows if isinstance(row, dict) and row.get("type") in _PICTURES]
        slugs = (row.get("slug") for row in found)
        return frozenset(s for s in slugs if isinstance(s, str) and 0 < len(s) <= _MAX_SLUG_CHARS)


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    return data if isinstance(data, dict) else {}
