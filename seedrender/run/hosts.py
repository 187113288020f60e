"""Chooses where the local files of a run go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seedrender.catalog.models import Uploads
from seedrender.run.hosting import Host, Keeper, PrefixHost, ProviderHost
from seedrender.run.leftovers import Leftovers
from seedrender.values.hosting import Hosting, S3Store, UrlPrefix
from seedrender.values.provider import Provider


def host(
    hosting: Hosting,
    provider: Provider,
    *,
    manifest: Path,
    uploads: Uploads | None,
    environ: Mapping[str, str],
) -> Host:
    """Return the host that a manifest asks for. Raises: ConfigError where it cannot be had."""
    if isinstance(hosting, UrlPrefix):
        return PrefixHost(hosting, manifest.parent)
    if isinstance(hosting, S3Store):
        from seedrender.run.hosting_s3 import BucketHost  # only who has a bucket needs its client

        return BucketHost(hosting, environ)
    if not isinstance(provider, Keeper):
        return ProviderHost(provider, uploads)
    name = f"{provider.name}-{manifest.stem}"  # two films may run in one folder
    return ProviderHost(provider, uploads, Leftovers(manifest.parent, name, provider.seal))
