"""Tells what a URL names from what opens it: the one table of signatures, tokens and expiries.

`unsigned` is what may be kept and shown: without userinfo, fragment and parameters of the table,
and with a digest in place of the rest of the query, which may hold a secret under another name.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus, unquote_to_bytes, urlsplit, urlunsplit

_Pair = tuple[bytes, bytes]  # the name and the value of a parameter, decoded

# Who signs → its parameters. Case does not matter, `_` is `-`, and `*` is any text.
TABLE: Mapping[str, tuple[str, ...]] = {
    "AWS": ("x-amz-*", "awsaccesskeyid", "signature", "expires"),
    "CloudFront": ("policy", "key-pair-id", "signature", "expires", "cloudfront-*"),
    "Google Cloud": ("x-goog-*", "googleaccessid", "signature", "expires"),
    "Azure": (
        *("sig", "se", "sp", "sv", "sr", "st"),
        *("skoid", "sktid", "skt", "ske", "sks", "skv"),
    ),
    "Alibaba OSS": ("x-oss-*", "ossaccesskeyid", "security-token", "auth-key"),
    "Tencent COS": (
        *("q-sign-*", "q-ak", "q-key-time", "q-header-list", "q-url-param-list", "q-signature"),
        *("x-cos-*", "sign"),
    ),
    "Volcengine TOS": ("x-tos-*", "x-expires", "x-signature", "x-orig-*"),
    "Huawei OBS and Baidu BOS": ("x-obs-*", "x-bce-*", "*accesskeyid"),
    "Qiniu": ("token",),
    "Cloudflare": ("verify",),
    "Akamai": ("hdnts", "hdnea", "hdntl", "gda", "token"),
    "anybody": (
        *("auth*", "*token", "*signature", "*secret", "*password", "passwd", "pwd", "*credential"),
        *("*credentials", "*api-key", "*apikey", "*access-key", "*accesskey", "*access-key-id"),
        *("*secret-key", "*secretkey", "*private-key", "subscription-key", "rlkey", "jwt", "hmac"),
        *("sas", "session-id", "sessionid"),
    ),
}

# A parameter that belongs to a signature only where the second one is there, too.
COMPANIONS: Mapping[str, str] = {
    "e": "token",  # Qiniu
    "t": "sign",  # Tencent's CDN
    "keyname": "signature",  # Google's CDN
    "urlprefix": "signature",
    "hash-algorithm": "signature",  # CloudFront
    **dict.fromkeys(("ss", "srt", "si", "sip", "spr", "sdd", "scid", "ses"), "sig"),  # Azure
    **dict.fromkeys(("saoid", "suoid"), "sig"),
    "hm": "ex",
    "ex": "hm",
    "is": "hm",  # Discord
}

_KNOWN = re.compile(
    "|".join(
        re.escape(name).replace(r"\*", ".*")
        for name in dict.fromkeys(name for names in TABLE.values() for name in names)
    ),
    re.DOTALL,
)
_JWT = re.compile(rb"(?<![\w-])eyJ[\w-]+\.([\w-]+)\.[\w-]*")
_DIGEST = re.compile(r"[0-9a-f]{16}")  # what `unsigned` puts in place of a query
_IN_TEXT = re.compile(r"(?i)[a-z][a-z0-9+.-]{0,20}://[^\s<>\"'`]+")
_CUT = re.compile(r"[?#].*", re.DOTALL)
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")

# Where a signature says until when it holds.
_SIGNERS = ("x-amz", "x-goog", "x-tos", "x-oss", "x-cos", "x-obs")
_SIGNED_AT = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SECONDS = re.compile(r"[0-9]{1,10}")
_EPOCHS = ("expires", "x-expires", "x-orig-expires")
_SPANS = ("q-sign-time", "q-key-time")  # begin;end
_AKAMAI = re.compile(r"(?:^|~)exp=([0-9]{1,10})(?:~|$)")
_CLOUDFRONT = re.compile(rb'"DateLessThan"\s*:\s*\{\s*"AWS:EpochTime"\s*:\s*([0-9]{1,10})\b')
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_JWT_END = re.compile(rb'"exp"\s*:\s*([0-9]{1,10})\b')
_MAX_EPOCH = 4_102_444_800  # the year 2100


def is_signed(url: str) -> bool:
    """Say whether a URL carries credentials or a signature: it is shown and written nowhere."""
    try:
        split = urlsplit(url)
    except ValueError:  # it is no URL
        return False
    pairs = parameters(split.query)
    return "@" in split.netloc or len(_lasting(pairs)) < len(pairs)


def unsigned(url: str) -> str:
    """Return a URL without credentials and signature: what stays names the same file tomorrow.

    Order and encoding of the parameters do not matter; of what is no URL all that may be secret
    is cut off.
    """
    try:
        split = urlsplit(url)
    except ValueError:
        return _USERINFO.sub("", _CUT.sub("", url))
    host = split.netloc.rpartition("@")[2]
    return urlunsplit((split.scheme, host, split.path, _rest(split.query), ""))


def expires_at(url: str) -> datetime | None:
    """Read out of a signed URL until when it holds; None: it is not signed, or does not say."""
    try:
        pairs = parameters(urlsplit(url).query)
    except ValueError:
        return None
    said = {name_of(name): value.decode("utf-8", "replace") for name, value in pairs}
    moments = [*_after_signing(said), *_iso(said)]
    moments += [
        datetime.fromtimestamp(epoch, UTC)
        for epoch in (*map(int, _epochs(said)), *map(int, _encoded_epochs(said, pairs)))
        if 0 < epoch < _MAX_EPOCH
    ]
    return min(moments, default=None)


def unsigned_in(text: str) -> str:
    """Return a text in which each URL that opens something is unsigned, and no other changes."""
    return _IN_TEXT.sub(lambda at: unsigned(at[0]) if is_signed(at[0]) else at[0], text)


def holds_signed(text: str) -> bool:
    """Say whether a text holds a URL that opens something."""
    return any(map(is_signed, text.split())) or any(map(is_signed, _IN_TEXT.findall(text)))


def is_opener(name: str) -> bool:
    """Say whether a parameter of this name opens something."""
    return _KNOWN.fullmatch(name_of(name.encode("utf-8", "replace"))) is not None


def parameters(query: str) -> list[_Pair]:
    """Return the parameters of a query, decoded; one without a value has an empty one."""
    return [
        (_decoded(name), _decoded(value))
        for name, _, value in (part.partition("=") for part in query.split("&"))
        if name or value
    ]


def name_of(raw: bytes) -> str:
    """Return the name of a parameter as the table writes it."""
    return raw.decode("utf-8", "replace").casefold().replace("_", "-").strip("-")


def _rest(query: str) -> str:
    if _DIGEST.fullmatch(query):
        return query
    kept = sorted(_lasting(parameters(query)))
    text = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in kept)
    return hashlib.sha256(text.encode()).hexdigest()[:16] if kept else ""


def _lasting(pairs: list[_Pair]) -> list[_Pair]:
    """Return the parameters that say which file it is."""
    names = {name_of(name) for name, _ in pairs}
    return [pair for pair in pairs if not any(_opens(pair, names))]


def _opens(pair: _Pair, names: set[str]) -> Iterator[bool]:
    name = name_of(pair[0])
    yield _KNOWN.fullmatch(name) is not None
    yield COMPANIONS.get(name) in names
    yield any(map(_JWT.search, pair))


def _decoded(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogatepass"))


def _after_signing(said: Mapping[str, str]) -> Iterator[datetime]:
    for signer in _SIGNERS:
        at, life = said.get(f"{signer}-date", ""), said.get(f"{signer}-expires", "")
        if _SIGNED_AT.fullmatch(at) and _SECONDS.fullmatch(life):
            try:
                signed = datetime.strptime(f"{at[:-1]}+0000", "%Y%m%dT%H%M%S%z")
                yield signed + timedelta(seconds=int(life))
            except (ValueError, OverflowError):  # no such day, or none that we can count to
                continue


def _iso(said: Mapping[str, str]) -> Iterator[datetime]:
    """Yield the end that Azure writes as a date."""
    if "se" in said and "sig" in said:
        try:
            moment = datetime.fromisoformat(said["se"])
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            yield aware.astimezone(UTC)
        except (ValueError, OverflowError):
            return


def _epochs(said: Mapping[str, str]) -> Iterator[str]:
    written = [said.get(name, "") for name in _EPOCHS]
    written += [said.get(name, "").partition(";")[2] for name in _SPANS]
    if "token" in said:
        written.append(said.get("e", ""))
    yield from filter(_SECONDS.fullmatch, written)
    for name in ("hdnts", "hdnea", "hdntl", "token"):
        yield from _AKAMAI.findall(said.get(name, ""))


def _encoded_epochs(said: Mapping[str, str], pairs: list[_Pair]) -> Iterator[bytes]:
    """Yield the ends that a policy of CloudFront, or a JSON Web Token, has in its base64."""
    policy = said.get("policy", "").translate(str.maketrans("-_~", "+=/"))
    yield from _CLOUDFRONT.findall(_from_base64(policy.encode("ascii", "ignore")))
    for pair in pairs:
        for payload in (found for text in pair for found in _JWT.findall(text)):
            yield from _JWT_END.findall(_from_base64(payload.translate(_URL_SAFE)))


def _from_base64(text: bytes) -> bytes:
    """Decode; what is no base64 is nothing."""
    try:
        return base64.b64decode(text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4))
    except ValueError:
        return b""
