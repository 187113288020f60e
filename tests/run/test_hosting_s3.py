from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from seedrender.errors import ArtifactError, ConfigError, ProviderError, UnavailableError
from seedrender.run.hosting import Link
from seedrender.run.hosting_s3 import BucketHost
from seedrender.values.hosting import S3Store
from seedrender.values.job import MediaKind
from seedrender.values.provider import LocalFile
from seedrender.values.signed_url import expires_at
from tests.site import Site

KEYS = {"AWS_ACCESS_KEY_ID": "planted-id", "AWS_SECRET_ACCESS_KEY": "planted-secret"}
CONTENT = b"a clip of the dance"
KEY = f"{hashlib.sha256(CONTENT).hexdigest()}.mp4"


class Bucket(Site):
    """As much of S3 as there is to count what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.refuses = 0
        self.answer = self.store

    async def store(self, request: web.Request) -> web.StreamResponse:
        assert "planted-secret" not in str(request.headers)
        if self.refuses:
            said = "<Error><Code>AccessDenied</Code><AWSAccessKeyId>planted-id</AWSAccessKeyId></Error>"
            return web.Response(status=self.refuses, text=said, content_type="application/xml")
        if request.method == "PUT":
            self.objects[request.path] = await request.read()
            return web.Response(headers={"ETag": '"1"'})
        if request.path not in self.objects:
            return web.Response(status=404)
        headers = {"Last-Modified": "Wed, 25 Nov 2026 12:00:00 GMT", "ETag": '"1"'}
        return web.Response(body=self.objects[request.path], headers=headers)


def local(folder: Path, content: bytes = CONTENT) -> LocalFile:
    path = folder / "dance.mp4"
    path.write_bytes(content)
    digest = hashlib.sha256(CONTENT).hexdigest()
    return LocalFile(path=str(path), kind=MediaKind.VIDEO, sha256=digest)


def lend(bucket: Bucket, file: LocalFile, times: int = 1) -> list[Link]:
    async def work() -> list[Link]:
        async with bucket.served() as base:
            host = BucketHost(S3Store(bucket="film", endpoint=base, link_life_s=7200.0), KEYS)
            return [await host.lend(file) for _ in range(times)]

    return asyncio.run(work())


def test_a_file_is_put_under_its_contents_hash_once(tmp_path: Path) -> None:
    bucket = Bucket()

    lend(bucket, local(tmp_path), times=3)
    lend(bucket, local(tmp_path))  # another run, to which the bucket says that it has it

    assert bucket.objects == {f"/film/seedrender/{KEY}": CONTENT}
    assert bucket.asked == {"HEAD": 2, "PUT": 1}


def test_a_link_says_until_when_it_holds(tmp_path: Path) -> None:
    link = lend(Bucket(), local(tmp_path))[0]

    assert link.lapses_at is not None
    assert abs(link.lapses_at - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=5)
    assert abs(link.lapses_at - (expires_at(link.url) or link.lapses_at)) < timedelta(seconds=2)
    assert "planted-secret" not in link.url


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_said_without_the_key(
    tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bucket = Bucket()
    bucket.refuses = status

    with pytest.raises(ProviderError, match="bucket film at 127") as caught:
        lend(bucket, local(tmp_path))

    assert caught.value.__cause__ is None
    assert not {"planted-id", "planted-secret"} & {*caplog.text.split(), *str(caught.value).split()}
    assert "planted" not in caplog.text + str(caught.value)


def test_a_bucket_that_cannot_be_reached_is_asked_again_later(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = S3Store(bucket="film", endpoint=f"http://127.0.0.1:{port}")

    with pytest.raises(UnavailableError, match="no answer from the bucket film"):
        asyncio.run(BucketHost(store, KEYS).lend(local(tmp_path)))


def test_a_file_that_changed_is_not_put_under_the_hash_of_another(tmp_path: Path) -> None:
    bucket = Bucket()

    with pytest.raises(ArtifactError, match="changed while the run went on"):
        lend(bucket, local(tmp_path, b"something else"))

    assert bucket.objects == {}


@pytest.mark.parametrize("missing", KEYS)
def test_a_key_that_is_not_set_is_named(missing: str) -> None:
    environ = {name: value for name, value in KEYS.items() if name != missing}

    with pytest.raises(ConfigError, match=f"{missing} not set"):
        BucketHost(S3Store(bucket="film"), environ)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)

    with pytest.raises(ConfigError, match=r"pip install 'seedrender\[s3\]'"):
        BucketHost(S3Store(bucket="film"), KEYS)
