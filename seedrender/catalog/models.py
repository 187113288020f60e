"""Reads the dated data files: what each model accepts and costs on each route."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from functools import cache, partial
from importlib.resources import files
from typing import Any

from seedrender.catalog import bodies
from seedrender.catalog.bodies import Field
from seedrender.values.job import MediaKind, Mode, Role, Tier

ROUTES: Mapping[str, str] = {  # route → its data file
    "sim": "modellix",
    "modellix": "modellix",
    "byteplus": "byteplus",
    "volcengine": "volcengine",
}
_OF_ROWS = {"model", "mode", "modes", "default_resolution", "default_duration_s"}
ADAPTIVE = "adaptive"  # a ratio: the model takes it from the media or the prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What a model takes of one kind of media; None: not documented. Pairs are lowest, highest."""

    max_count: int  # beside the frames
    formats: tuple[str, ...] = ()
    max_bytes: int | None = None
    side_px: tuple[int, int] | None = None
    ratio: tuple[float, float] | None = None  # width by height
    area_px: tuple[int, int] | None = None  # width times height
    fps: tuple[float, float] | None = None
    seconds: tuple[float, float] | None = None
    max_seconds_in_all: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What all variants of a model have in common on one route."""

    name: str
    makes: MediaKind = MediaKind.VIDEO
    format: str = "mp4"  # of what it makes; of a picture the one to be expected
    ratios: tuple[str, ...]
    default_ratio: str
    default_resolution: str
    min_duration_s: int
    max_duration_s: int
    default_duration_s: int | None = None  # None: the model chooses
    can_choose_duration: bool
    max_prompt_chars: int | None = None
    advised_prompt_words: int | None = None
    settings: frozenset[str]  # which of audio, seed, camera_fixed and negative_prompt it knows
    roles: frozenset[Role]
    audio_needs_visual: bool
    ratio_follows_media: bool = False  # with frames or a clip to continue, only the adaptive one
    max_media: int
    media: Mapping[MediaKind, Media]
    pixels: Mapping[str, Mapping[str, tuple[int, int]]]  # resolution → ratio → width, height
    placeholders: Mapping[MediaKind, str] = field(default_factory=dict)  # where not the route's
    inferred: tuple[str, ...] = ()  # what no source states plainly
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrice:
    """What a million tokens cost; with_video where a clip is among the input."""

    plain: Decimal
    with_video: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One endpoint: a model in one tier and mode. A resolution without a price is unknown."""

    family: Family
    tier: Tier
    mode: Mode
    slug: str
    resolutions: tuple[str, ...]
    ratios: tuple[str, ...]
    default_ratio: str
    durations_s: tuple[int, ...]  # that may be asked for
    settings: frozenset[str]
    max_prompt_chars: int | None
    words: Mapping[str, Field]  # a manifest's word → its field; none: the body of Seedance
    body: Mapping[str, Mapping[str, Any]]  # its fields as a JSON Schema; none likewise
    required: tuple[str, ...]
    needs_one_of: tuple[str, ...]
    fixed: Mapping[str, Any]  # fields that are always sent
    excludes: tuple[Mapping[str, Any], ...]  # values that do not go together
    price_per_image: Decimal | None
    price_range_per_second: tuple[Decimal, Decimal] | None  # where that is all that is published
    price_per_second: Mapping[str, Decimal]
    price_per_million_tokens: Mapping[str, TokenPrice]
    silent_factor: Decimal  # of a price, where no sound is made
    price_date: date | None
    price_source: str  # the page that names the price
    ended: date | None  # the day from which the route sells it no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """What a route keeps of a team's own files."""

    files: int  # at once
    max_bytes: int  # of each
    parallel: int
    keep_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A model that people ask for and a route does not sell."""

    reason: str
    date: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything one route offers."""

    currency: str
    date: date
    sources: tuple[str, ...]
    concurrency: int
    requests_per_minute: int
    hold_s: float  # how long a read is held until the task ends; 0: not at all
    max_request_bytes: int
    batch: int  # tasks that one list call tells of; 0: there is no such call
    frames_exclude: tuple[MediaKind, ...]  # references that do not go together with frames
    last_frame_needs_first: bool
    placeholders: Mapping[MediaKind, str]  # with {n}, which counts from 1
    sends: Mapping[MediaKind, tuple[str, ...]]  # of url, data, asset
    uploads: Uploads | None = None  # None: the route keeps no files
    families: Mapping[str, Family]
    variants: Mapping[tuple[str, Tier, Mode], Variant]
    absent: Mapping[str, Absent] = field(default_factory=dict)

    @property
    def tells_submits(self) -> bool:
        """Whether it gives back by which submit a task was made, as routes with a list do."""
        return self.batch > 0

    def variant(self, model: str, tier: Tier, mode: Mode) -> Variant | None:
        """Return the endpoint that renders this, or None where the route has none."""
        return self.variants.get((model, tier, mode))

    def by_slug(self, slug: str) -> Variant | None:
        """Return the endpoint of this name."""
        return next((v for v in self.variants.values() if v.slug == slug), None)


@cache
def catalog(route: str) -> Catalog:
    """Return what a route offers; of a plugin's, which is no key of ROUTES, nothing is known."""
    if route not in ROUTES:
        return _UNLISTED
    data = _read(ROUTES[route])
    maker = _read(data["models"])
    own = data.get("family", {})
    sold = dict.fromkeys(row["model"] for row in data["endpoint"])
    families = {name: _family(name, maker, own.get(name, {})) for name in sold}
    source = data["price_source"]
    rows = [(families[row["model"]], row, source) for row in data["endpoint"]]
    neighbours = list(_neighbours(ROUTES[route]))
    for found in neighbours:
        families |= found.families
        rows += [(families[row["model"]], row, found.price_source) for row in found.endpoints]
    variants = [v for family, row, source in rows for v in _variants(family, row, source)]
    return Catalog(
        currency=data["currency"],
        date=data["date"],
        sources=(*data["sources"], *maker["sources"], *(s for n in neighbours for s in n.sources)),
        concurrency=data["limits"]["concurrency"],
        requests_per_minute=data["limits"]["requests_per_minute"],
        hold_s=float(data["limits"].get("hold_s", 0)),
        max_request_bytes=data["max_request_bytes"],
        batch=data["limits"].get("batch", 0),
        last_frame_needs_first=data.get("last_frame_needs_first", False),
        frames_exclude=tuple(map(MediaKind, data["frames_exclude"])),
        placeholders={kind: data["placeholders"][kind] for kind in MediaKind},
        sends={kind: tuple(data["sends"][kind]) for kind in MediaKind},
        uploads=Uploads(**data["uploads"]) if "uploads" in data else None,
        families=families,
        variants={(v.family.name, v.tier, v.mode): v for v in variants},
        absent={name: why for found in neighbours for name, why in found.absent.items()},
    )


# A plugin says itself what it takes, in `violations` and `upload`: nothing is refused for it here.
_UNLISTED = Catalog(
    currency="USD",
    date=date.min,
    sources=(),
    concurrency=1,
    requests_per_minute=60,
    hold_s=0.0,
    max_request_bytes=2**40,
    batch=0,
    frames_exclude=(),
    last_frame_needs_first=False,
    placeholders={kind: f"[{kind.value.capitalize()} {{n}}]" for kind in MediaKind},
    sends=dict.fromkeys(MediaKind, ("url", "asset")),
    uploads=Uploads(files=1000, max_bytes=2**40, parallel=4, keep_days=1),
    families={},
    variants={},
)


def _read(name: str) -> dict[str, Any]:
    text = files("seedrender.catalog").joinpath("data", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Neighbour:
    """What one more maker's file adds to a route."""

    families: Mapping[str, Family]
    endpoints: tuple[Mapping[str, Any], ...]
    absent: Mapping[str, Absent]
    price_source: str
    sources: tuple[str, ...]


def _neighbours(route_file: str) -> Iterator[_Neighbour]:
    """Yield what each file in the folder of a route's name adds; a new file needs no code."""
    folder = files("seedrender.catalog").joinpath("data", route_file)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ()
    for name in names:
        data = tomllib.loads(folder.joinpath(name).read_text("utf-8"))
        yield _neighbour(data)


def _neighbour(data: Mapping[str, Any]) -> _Neighbour:
    models, pixels = data.get("model", {}), data.get("pixels", {})
    sizes = {name: pixels[row["pixels"]] for name, row in models.items()}
    rows = [bodies.endpoint(row, sizes[row["model"]]) for row in data.get("endpoint", ())]
    said = {name: bodies.family(name, row, rows, sizes[name]) for name, row in models.items()}
    maker = {"family": said, "pixels": pixels}
    source = data["sources"][0]
    return _Neighbour(
        families={name: _family(name, maker, {}) for name in models},
        endpoints=tuple(rows),
        absent={
            name: Absent(reason=row["reason"], date=data["date"], source=source)
            for name, row in data.get("absent", {}).items()
        },
        price_source=data.get("price_source", source),
        sources=tuple(data["sources"]),
    )


def _family(name: str, maker: Mapping[str, Any], own: Mapping[str, Any]) -> Family:
    """Put what a route says of a model over what its maker says."""
    row = {**maker["family"][name], **own}
    if own:
        row["inferred"] = [
            *filter(partial(_is_said, row), maker["family"][name].get("inferred", ())),
            *own.get("inferred", ()),
        ]
    sizes = {
        resolution: {ratio: (size[0], size[1]) for ratio, size in by_ratio.items()}
        for resolution, by_ratio in maker["pixels"][row.pop("pixels")].items()
    }
    media = {kind: Media(**_tuples(row.pop(kind))) for kind in MediaKind}
    row["settings"] = frozenset(row["settings"])
    row["roles"] = frozenset(map(Role, row["roles"]))
    row["makes"] = MediaKind(row.get("makes", "video"))
    return Family(name=name, media=media, pixels=sizes, **_tuples(row))


def _is_said(row: Mapping[str, Any], key: str) -> bool:
    """Whether what a maker's file infers still stands in a route's row."""
    head, _, tail = key.partition(".")
    return tail in row[head] and bool(head == "settings" or row[head]["max_count"] or row["roles"])


def _variants(family: Family, row: Mapping[str, Any], source: str) -> list[Variant]:
    unknown = set(row) - {f.name for f in fields(Variant)} - _OF_ROWS
    assert not unknown, f"{row['slug']} has the unknown keys {unknown}"
    tokens = row.get("price_per_million_tokens", {})
    lengths = range(family.min_duration_s, family.max_duration_s + 1)
    image, span = row.get("price_per_image"), row.get("price_range_per_second")
    return [
        Variant(
            family=family,
            tier=Tier(row["tier"]),
            mode=mode,
            slug=row["slug"].format(mode=mode),
            resolutions=tuple(row["resolutions"]),
            ratios=tuple(row.get("ratios", family.ratios)),
            default_ratio=row.get("default_ratio", family.default_ratio),
            durations_s=tuple(row.get("durations_s", lengths)),
            settings=frozenset(row.get("settings", family.settings)),
            max_prompt_chars=row.get("max_prompt_chars", family.max_prompt_chars),
            words=row.get("words", {}),
            body=row.get("body", {}),
            required=tuple(row.get("required", ())),
            needs_one_of=tuple(row.get("needs_one_of", ())),
            fixed=row.get("fixed", {}),
            excludes=tuple(row.get("excludes", ())),
            price_per_image=None if image is None else Decimal(image),
            price_range_per_second=None if span is None else (Decimal(span[0]), Decimal(span[1])),
            price_per_second={k: Decimal(v) for k, v in row.get("price_per_second", {}).items()},
            price_per_million_tokens={key: _token_price(*rates) for key, rates in tokens.items()},
            silent_factor=Decimal(row.get("silent_factor", "1")),
            price_date=row.get("price_date"),
            price_source=row.get("price_source", source),
            ended=row.get("ended"),
        )
        for mode in map(Mode, row["modes"])
    ]


def _token_price(plain: str, with_video: str | None = None) -> TokenPrice:
    return TokenPrice(
        plain=Decimal(plain), with_video=None if with_video is None else Decimal(with_video)
    )


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
