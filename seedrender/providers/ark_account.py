"""Asks Ark about an account: it answers for the key alone, so one task is listed."""

from __future__ import annotations

from seedrender.catalog.models import Catalog
from seedrender.errors import NotFoundError, RejectedError, UnauthorizedError
from seedrender.providers.ark_list import TASKS
from seedrender.providers.http import Http
from seedrender.values.money import Amount

_NO_TASK = "cgt-19700101000000-none"


class ArkAccount:
    """One small read; nothing is bought. The API tells neither credit nor models."""

    def __init__(self, http: Http, catalog: Catalog) -> None:
        self._http, self._catalog = http, catalog

    async def check_key(self) -> str:
        """Say what the key may do. Raises: UnauthorizedError where it may do nothing."""
        try:
            await self._list()
        except (RejectedError, UnauthorizedError) as error:
            return await self._limited(error)
        return "valid: it lists tasks"

    async def _limited(self, refusal: RejectedError | UnauthorizedError) -> str:
        """Try the models one by one: a key of limited rights must name one."""
        slugs = dict.fromkeys(variant.slug for variant in self._catalog.variants.values())
        allowed = []
        for slug in slugs:
            try:
                await self._list(slug)
            except (RejectedError, UnauthorizedError):
                continue
            allowed.append(slug)
        if not allowed and await self._reads():
            return "valid: it reads tasks, one by one, and may not list them"
        if not allowed:
            raise refusal
        return f"valid, of limited rights: {', '.join(allowed)}"

    async def _reads(self) -> bool:
        """Say whether the key may ask for a task: one that cannot be is not found."""
        try:
            await self._http.read(f"{TASKS}/{_NO_TASK}")
        except NotFoundError:
            return True
        except (RejectedError, UnauthorizedError):
            return False
        return True

    async def _list(self, model: str | None = None) -> None:
        params = [("page_num", "1"), ("page_size", "1")]
        params += [("filter.model", model)] if model is not None else []
        await self._http.read(TASKS, params)

    async def balance(self) -> Amount | None:
        """Say nothing: there is no such call under this key."""
        return None

    async def models(self) -> frozenset[str] | None:
        """Likewise."""
        return None
