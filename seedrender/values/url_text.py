"""Writes URLs as they travel: names of hosts and files may be in any script."""

from __future__ import annotations

from string import ascii_letters, digits, punctuation
from urllib.parse import quote, urlsplit, urlunsplit

from yarl import URL

_KEPT = ascii_letters + digits + punctuation  # also `%`: what is encoded already stays as it is


def ascii_url(url: str) -> str:
    """Return a URL in ASCII; one that is so already, perhaps signed, does not change.

    A host that no rule can write is left as it is: whoever asks it will say so.
    """
    if url.isascii() and " " not in url:
        return url
    try:
        split = urlsplit(url)
        host = split.hostname or ""
        place = split.netloc.replace(host, URL.build(scheme="https", host=host).raw_host or host)
    except ValueError:
        return url
    parts = (split.scheme, place, split.path, split.query, split.fragment)
    return urlunsplit([quote(part, safe=_KEPT) for part in parts])
