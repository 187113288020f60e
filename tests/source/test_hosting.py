from __future__ import annotations

import pytest

from seedrender.errors import ConfigError, ManifestError
from seedrender.lock.fingerprint import fingerprint
from seedrender.source import expand
from seedrender.source.expand import Expansion
from seedrender.values.hosting import Hosting, ProviderFiles, S3Store, UrlPrefix

SHOTS = "shots: {opener: {prompt: Dawn.}}"


def load(head: str, tail: str = SHOTS) -> Expansion:
    def read(name: str) -> str:
        raise ConfigError(name)

    text = f"seedrender: 1\nname: film\n{head}\n{tail}\n"
    return expand.load(text, "film.yaml", read=read)


@pytest.mark.parametrize(
    ("head", "hosting"),
    [
        pytest.param("", ProviderFiles(), id="unset"),
        pytest.param("hosting: provider", ProviderFiles(), id="provider"),
        pytest.param("hosting: {s3: {bucket: film}}", S3Store(bucket="film"), id="bucket"),
        pytest.param(
            "hosting: {s3: {bucket: film, prefix: a/b/, endpoint: 'https://s3.example.org', region: eu-1, link_life: 2h}}",
            S3Store(bucket="film", prefix="a/b", endpoint="https://s3.example.org", region="eu-1", link_life_s=7200.0),
            id="whole-bucket",
        ),
        pytest.param(
            "hosting: {s3: {bucket: film, endpoint: 'http://127.0.0.1:9000'}}",
            S3Store(bucket="film", endpoint="http://127.0.0.1:9000"),
            id="bucket-on-this-machine",
        ),
        pytest.param(
            "hosting: {prefix: 'https://media.example.org/film'}",
            UrlPrefix(url="https://media.example.org/film/"),
            id="prefix",
        ),
    ],
)  # fmt: skip
def test_hosting_is_read(head: str, hosting: Hosting) -> None:
    assert load(head).manifest.hosting == hosting


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param("prefix: 'ftp://media.example.org/'", "is not an https URL", id="ftp"),
        pytest.param("prefix: 'http://127.0.0.1/film/'", "is not an https URL", id="own-machine"),
        pytest.param("prefix: 'https://[::1'", "is not a URL", id="no-url"),
        pytest.param(
            "s3: {bucket: film, endpoint: 'http://[::1].evil.example'}", "is not a", id="brackets"
        ),
        pytest.param("prefix: 'https://m.example/?token=1'", "has a query", id="query"),
        pytest.param("s3: {bucket: film, prefix: a/../b}", "has a part that is", id="dots"),
        pytest.param("s3: {bucket: film, link_life: 5s}", "link_life is 5s", id="short"),
        pytest.param("s3: {bucket: Film/../other}", "write 3 to 63 small letters", id="bucket"),
        pytest.param("s3: {bucket: film, secret_access_key: x}", "unknown key", id="secret"),
    ],
)
def test_hosting_that_cannot_be_is_refused(row: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        load(f"hosting: {{{row}}}")


def test_hosting_and_rights_leave_the_fingerprint_alone() -> None:
    shot = 'shots: {opener: {prompt: "{{ ref.mira }} waves."}}'
    plain = load("references: {mira: {asset: asset-1, kind: image}}", shot)
    noted = load(
        "hosting: {s3: {bucket: film}}\nrequire_rights: true\n"
        "references: {mira: {asset: 'asset://asset-1', kind: image, rights: {authorised_by: r.pdf}}}",
        shot,
    )

    digests = {fingerprint(found.jobs[0], {}, {}).digest for found in (plain, noted)}

    assert len(digests) == 1
    assert noted.jobs[0].references[0].reference.authorised_by == "r.pdf"


def test_a_blank_note_of_rights_is_none() -> None:
    with pytest.raises(ManifestError, match="asset 'mira' has no note of rights"):
        load(
            "require_rights: true\n"
            "references: {mira: {asset: asset-1, kind: image, rights: {authorised_by: ' '}}}"
        )
