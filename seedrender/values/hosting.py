"""Where local clips and sounds go so that a provider can read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from seedrender.errors import ArtifactError


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFiles:
    """The provider's own files, where it keeps any: given back as soon as no task needs them."""


PROVIDER_FILES = ProviderFiles()


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Store:
    """A bucket of the user's; the keys that open it are in the environment, and nowhere else."""

    bucket: str
    prefix: str = "seedrender"
    endpoint: str | None = None  # None: that of AWS in the region
    region: str = "us-east-1"
    link_life_s: float = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlPrefix:
    """An address under which the user serves the manifest's folder."""

    url: str  # with its last slash

    def address(self, path: str) -> str:
        """Return where a file of the manifest's folder is served. Raises: ArtifactError."""
        if ".." in PurePosixPath(path).parts:
            raise ArtifactError(f"{path} is not below the manifest, and hosting.prefix serves that")
        return self.url + quote(path)


Hosting = ProviderFiles | S3Store | UrlPrefix
