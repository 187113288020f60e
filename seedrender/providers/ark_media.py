"""Turns a local picture or sound into a data URI that Ark takes."""

from __future__ import annotations

import base64

from seedrender.catalog.models import Catalog
from seedrender.errors import RejectedError
from seedrender.values import magic
from seedrender.values.job import MediaKind
from seedrender.values.provider import MediaUrl

_MB = 1_000_000


def data_uri(name: str, content: bytes, kind: MediaKind, catalog: Catalog) -> MediaUrl:
    """Return a file's content as a data URI. Raises: RejectedError beyond what the models take."""
    if "data" not in catalog.sends[kind]:
        raise RejectedError(
            f"{name}: a {kind.value} must be given as a URL, because a request carries none; "
            "set up `hosting:`, or give a URL. A clip is taken by its own link for 24 hours after "
            "it was made; nothing was bought"
        )
    limits = [family.media[kind] for family in catalog.families.values()]
    formats = list(dict.fromkeys(form for media in limits for form in media.formats))
    found = magic.recognised(content[: magic.HEAD_BYTES])
    if found is None or found[0] is not kind or found[1] not in formats:
        what = magic.described(content[: magic.HEAD_BYTES])
        raise RejectedError(f"{name} is none of {', '.join(formats)}: {what}; nothing was bought")
    most = max(media.max_bytes or 0 for media in limits)
    if len(content) > most:
        size = f"{len(content) / _MB:.1f} MB"
        raise RejectedError(
            f"{name} has {size}, and {most // _MB} MB are taken: make it smaller; "
            "nothing was bought"
        )
    return MediaUrl(f"data:{kind.value}/{found[1]};base64,{base64.b64encode(content).decode()}")
