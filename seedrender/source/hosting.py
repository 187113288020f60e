"""Reads where local media go, and finds assets whose use nobody is said to have allowed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from seedrender.errors import Violation
from seedrender.source.document import Document
from seedrender.source.parse import seconds, violation
from seedrender.values.hosting import PROVIDER_FILES, Hosting, S3Store, UrlPrefix
from seedrender.values.manifest import Manifest, Path

MAX_LINK_LIFE_S = 7 * 86_400.0  # what a signature of S3 can promise
_PLACE = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:@/]+)(?::[0-9]+)?")  # a host, and its port
_MIN_LINK_LIFE_S = 60.0


def read(document: Document, problems: list[Violation]) -> Hosting:
    """Read `hosting`; what is wrong with it is added to `problems`."""
    row = document.root.get("hosting", "provider")
    if not isinstance(row, dict):
        return PROVIDER_FILES
    if len(row) > 1:
        message = "hosting is s3 and prefix at once"
        problems.append(violation(document, ("hosting",), message, "keep one"))
    if "s3" in row:
        problems += _wrong_store(document, row["s3"])
        return _store(row["s3"]) if "bucket" in row["s3"] else PROVIDER_FILES
    if "prefix" not in row:  # it was of a wrong shape
        return PROVIDER_FILES
    problems += _wrong_address(document, ("hosting", "prefix"), row["prefix"])
    return UrlPrefix(url=f"{row['prefix'].rstrip('/')}/")


def without_rights(document: Document, manifest: Manifest) -> Iterator[Violation]:
    """Find assets without a note of rights, where the manifest asks for one."""
    if not document.root.get("require_rights", False):
        return
    for name, reference in manifest.references.items():
        if reference.asset is not None and not (reference.authorised_by or "").strip():
            yield Violation(
                origin=document.key_origin(("references", name)),
                message=f"asset '{name}' has no note of rights, and require_rights is set",
                hint="add rights: {authorised_by: …}, such as the file of a signed release",
                code="rights",
                path=("references", name),
            )


def _store(row: Mapping[str, Any]) -> S3Store:
    given = {key: row[key] for key in ("bucket", "endpoint", "region") if key in row}
    if "prefix" in row:
        given["prefix"] = row["prefix"].strip("/")
    if "link_life" in row:
        given["link_life_s"] = seconds(row["link_life"])
    return S3Store(**given)


def _wrong_store(document: Document, row: Mapping[str, Any]) -> Iterator[Violation]:
    path: Path = ("hosting", "s3")
    if "endpoint" in row:
        yield from _wrong_address(document, (*path, "endpoint"), row["endpoint"])
    if ".." in PurePosixPath(row.get("prefix", "")).parts:
        message = "hosting.s3.prefix has a part that is '..'"
        yield violation(document, (*path, "prefix"), message, "write the folder itself")
    life_s = seconds(row.get("link_life", "24h"))
    if not _MIN_LINK_LIFE_S <= life_s <= MAX_LINK_LIFE_S:
        message = f"hosting.s3.link_life is {row['link_life']}"
        yield violation(document, (*path, "link_life"), message, "one minute to seven days")


def _wrong_address(document: Document, path: Path, url: str) -> Iterator[Violation]:
    """Refuse what is no plain https address; a bucket's may be on this machine, for trying out."""
    name = ".".join(map(str, path))
    try:
        split = urlsplit(url)
        host, _ = split.hostname or "", split.port
    except ValueError as error:
        yield violation(document, path, f"{name} is not a URL: {error}", "correct it")
        return
    is_local = path[-1] == "endpoint" and split.scheme == "http" and _is_loopback(host)
    is_place = _PLACE.fullmatch(split.netloc.rpartition("@")[2]) is not None
    if (split.scheme != "https" and not is_local) or not host or not is_place:
        yield violation(document, path, f"{name} is not an https URL", "write https://…")
    elif split.username is not None or split.password is not None:
        hint = "manifests are checked in: take it out"
        yield violation(document, path, f"{name} carries a password", hint)
    elif split.query or split.fragment:
        hint = "take everything from ? or # on out"
        yield violation(document, path, f"{name} has a query or a fragment", hint)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
