"""Keeps local files in a bucket of the user's by their content's hash, and signs links to them."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from seedrender.errors import ArtifactError, ConfigError, UnauthorizedError, UnavailableError
from seedrender.run.hosting import Link, changed
from seedrender.values.hosting import S3Store
from seedrender.values.job import CorrelationId
from seedrender.values.provider import LocalFile, MediaUrl

T = TypeVar("T")

KEY_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_TOKEN_NAME = "AWS_SESSION_TOKEN"  # noqa: S105 - a name
_PARALLEL_UPLOADS = 2  # each holds its file in memory
_RETRY_TIMEOUT = timedelta(seconds=30)


class BucketHost:
    """A bucket of any S3-compatible store.

    An object is never deleted: it is the user's bucket, others may use the same content, and a rule
    of the bucket does it better. It is readable by nobody but who has the link.
    """

    places: int | None = None
    left: Mapping[str, Collection[CorrelationId]] = MappingProxyType({})

    def __init__(
        self,
        store: S3Store,
        environ: Mapping[str, str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings, self._clock = store, clock
        self._there: set[str] = set()
        self._slots = asyncio.Semaphore(_PARALLEL_UPLOADS)
        self._obstore, self._bucket = _opened(store, environ)

    async def lend(self, file: LocalFile) -> Link:
        """Put a file into the bucket unless its content is there, and sign a link to it."""
        key = f"{file.sha256}{Path(file.path).suffix.lower()}"
        if key not in self._there:
            async with self._slots:
                await self._put(key, file)
            self._there.add(key)
        life = timedelta(seconds=self._settings.link_life_s)
        lapses_at = self._clock() + life
        url = await self._asked(self._obstore.sign_async(self._bucket, "GET", key, life))
        return Link(url=MediaUrl(url), lapses_at=lapses_at)

    async def take_back(self, link: Link, alive: Collection[CorrelationId] = ()) -> None:
        """Leave it: its link lapses by itself."""

    def use(self, links: Collection[Link], submit: CorrelationId) -> None:
        """Note nothing."""

    async def tidy(self, alive: Collection[CorrelationId], *, is_over: bool) -> None:
        """Leave what is there."""

    async def _put(self, key: str, file: LocalFile) -> None:
        try:
            content = await asyncio.to_thread(Path(file.path).read_bytes)
        except OSError as error:
            raise ArtifactError(f"{Path(file.path).name}: {error.strerror}") from None
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise changed(file)
        try:
            found = await self._asked(self._obstore.head_async(self._bucket, key))
        except FileNotFoundError:
            found = None
        if found is not None and found["size"] == len(content):
            return
        kind = mimetypes.guess_type(file.path)[0] or "application/octet-stream"
        put = self._obstore.put_async(self._bucket, key, content, attributes={"Content-Type": kind})
        try:
            await self._asked(put)
        except FileNotFoundError:
            raise UnauthorizedError(f"there is no {self._name}; nothing was bought") from None

    async def _asked(self, work: Awaitable[T]) -> T:
        """Await the store, and say in our own words what it refuses: its own may hold the key's id.

        Raises: ProviderError; FileNotFoundError.
        """
        errors = self._obstore.exceptions
        try:
            return await work
        except FileNotFoundError:
            raise
        except (errors.PermissionDeniedError, errors.UnauthenticatedError):
            raise UnauthorizedError(
                f"the {self._name} refuses {KEY_NAMES[0]}: it needs the rights to read and to put "
                f"objects under {self._settings.prefix}/; nothing was bought"
            ) from None
        except errors.BaseError as error:
            what = type(error).__name__
            raise UnavailableError(f"no answer from the {self._name} ({what})") from None

    @property
    def _name(self) -> str:
        where = urlsplit(self._settings.endpoint or "").hostname or "AWS"
        return f"bucket {self._settings.bucket} at {where}"


def _opened(store: S3Store, environ: Mapping[str, str]) -> tuple[Any, Any]:
    """Return the client and the bucket. Raises: ConfigError."""
    try:
        import obstore
        import obstore.exceptions
        from obstore.store import S3Store as Client
    except ImportError:
        raise ConfigError(
            "hosting: s3 needs a client: pip install 'seedrender[s3]'; nothing was sent"
        ) from None
    missing = [name for name in KEY_NAMES if not environ.get(name)]
    if missing:
        raise ConfigError(f"{' and '.join(missing)} not set, for hosting: s3; nothing was sent")
    options: dict[str, Any] = {}
    if environ.get(_TOKEN_NAME):
        options["session_token"] = environ[_TOKEN_NAME]
    if store.endpoint is not None:
        options["endpoint"] = store.endpoint
    is_plain = (store.endpoint or "").startswith("http://")  # on this machine only: parse said so
    client = Client(
        store.bucket,
        prefix=store.prefix,
        region=store.region,
        access_key_id=environ[KEY_NAMES[0]],
        secret_access_key=environ[KEY_NAMES[1]],
        virtual_hosted_style_request=store.endpoint is None,
        client_options={"allow_http": is_plain, "timeout": timedelta(minutes=10)},
        retry_config={"max_retries": 4, "retry_timeout": _RETRY_TIMEOUT},
        **options,
    )
    return obstore, client
