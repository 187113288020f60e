from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from seedrender.errors import UnauthorizedError
from seedrender.run.hosting_s3 import BucketHost
from seedrender.values.hosting import S3Store
from seedrender.values.job import MediaKind
from seedrender.values.provider import LocalFile
from tests.s3.gateway import BUCKET, Gateway, gateway


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("s3")) as found:
        yield found


def store(server: Gateway, life_s: float = 3600.0) -> S3Store:
    return S3Store(bucket=BUCKET, endpoint=server.endpoint, prefix="film/media", link_life_s=life_s)


def local(folder: Path, content: bytes) -> LocalFile:
    path = folder / "Dance.MP4"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return LocalFile(path=str(path), kind=MediaKind.VIDEO, sha256=digest)


def status(url: str) -> int:
    try:
        with urlopen(url) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_a_file_is_read_by_its_link_and_by_nothing_else(server: Gateway, tmp_path: Path) -> None:
    file = local(tmp_path, b"a clip of the dance")

    link = asyncio.run(BucketHost(store(server), server.environ).lend(file))

    with urlopen(link.url) as answer:
        assert answer.read() == b"a clip of the dance"
        assert answer.headers["Content-Type"] == "video/mp4"
    plain = link.url.partition("?")[0]
    assert plain == f"{server.endpoint}/{BUCKET}/film/media/{file.sha256}.mp4"
    assert status(plain) == 403
    assert status(link.url.replace("Signature=", "Signature=0")) == 403
    assert server.environ["AWS_SECRET_ACCESS_KEY"] not in link.url


def test_a_content_that_is_there_is_not_sent_again(server: Gateway, tmp_path: Path) -> None:
    file = local(tmp_path, b"once")
    first = asyncio.run(BucketHost(store(server), server.environ).lend(file))
    before = _modified(first.url)
    while int(time.time()) == int(before):  # HTTP dates count in seconds
        time.sleep(0.05)

    second = asyncio.run(BucketHost(store(server), server.environ).lend(file))

    assert _modified(second.url) == before


def _modified(url: str) -> float:
    from email.utils import parsedate_to_datetime

    with urlopen(url) as answer:
        return parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp()


def test_a_large_file_arrives_whole(server: Gateway, tmp_path: Path) -> None:
    content = hashlib.sha256(b"x").digest() * (30 * 2**20 // 32)

    link = asyncio.run(BucketHost(store(server), server.environ).lend(local(tmp_path, content)))

    with urlopen(link.url) as answer:
        assert hashlib.sha256(answer.read()).digest() == hashlib.sha256(content).digest()


def test_wrong_keys_and_buckets_are_said_without_the_key(server: Gateway, tmp_path: Path) -> None:
    file = local(tmp_path, b"refused")
    wrong = {**server.environ, "AWS_SECRET_ACCESS_KEY": "planted-wrong-secret"}
    other = replace(store(server), bucket="another-film")

    with pytest.raises(UnauthorizedError, match="refuses AWS_ACCESS_KEY_ID") as refused:
        asyncio.run(BucketHost(store(server), wrong).lend(file))
    with pytest.raises(UnauthorizedError, match="bucket another-film at 127") as missing:
        asyncio.run(BucketHost(other, server.environ).lend(file))

    for caught in (refused, missing):
        text = f"{caught.value!r} {caught.value.__cause__!r}"
        assert "planted-wrong-secret" not in text
        assert server.environ["AWS_ACCESS_KEY_ID"] not in text
