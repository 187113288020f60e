"""Turns a task into its clip, drawn in a thread when somebody first asks for it."""

from __future__ import annotations

import asyncio
import math
import os
import random
import shutil
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from PIL import Image, ImageDraw

from seedrender.catalog.models import ADAPTIVE, Variant
from seedrender.errors import ArtifactError
from seedrender.media import make, text
from seedrender.media.frames import last_frame
from seedrender.sim import faults
from seedrender.sim.ledger import Ledger, TaskRecord, is_made
from seedrender.sim.neighbours import wishes
from seedrender.sim.rules import counts_frames, decoded, is_url
from seedrender.sim.settings import SimSettings
from seedrender.values.job import MediaKind

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_BOX = struct.Struct(">I4s")
_PATCH_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a body asks for, with the defaults of its model filled in."""

    width: int
    height: int
    duration_s: int
    frames: int
    has_sound: bool
    resolution: str
    ratio: str
    is_picture: bool = False


def order(variant: Variant, body: Any, frame: tuple[int, int] | None = None) -> Order:
    """Read size, length and sound out of a valid body; `frame` is the first frame's size in pixels.

    An adaptive ratio is the one nearest to the first frame, and 16:9 where there is none.
    """
    family = variant.family
    body = wishes(variant, body)
    resolution = body.get("resolution", family.default_resolution)
    ratio = body.get("ratio", variant.default_ratio)
    sizes = family.pixels[resolution]
    if ratio == ADAPTIVE:
        ratio = nearest(sizes, frame) if frame else "16:9"
    width, height = body.get("size") or sizes[ratio]
    seconds = int(body.get("duration", family.default_duration_s))
    frames = int(body["frames"]) if "frames" in body and counts_frames(variant) else None
    return Order(
        width=width,
        height=height,
        duration_s=seconds if frames is None else frames // make.FPS,
        frames=make.FPS * seconds if frames is None else frames,
        has_sound="audio" in variant.settings and body.get("generate_audio", True),
        resolution=resolution,
        ratio=ratio,
        is_picture=family.makes is MediaKind.IMAGE,
    )


def _spoilt(wanted: Order, task: TaskRecord) -> Order:
    """Return what is made in place of what was asked for."""
    if "other-size" not in task.faults:
        return wanted
    return replace(wanted, width=wanted.width // 4 * 2, height=wanted.height // 4 * 2)


def nearest(sizes: Mapping[str, tuple[int, int]], frame: tuple[int, int]) -> str:
    """Return the ratio that comes nearest to a shape."""
    shape = frame[0] / frame[1]
    return min(sizes, key=lambda ratio: abs(math.log(sizes[ratio][0] / sizes[ratio][1] / shape)))


class Footage:
    """The clips of a world: made once, kept in its folder, equal for equal tasks."""

    def __init__(
        self, settings: SimSettings, ledger: Ledger, variant: Callable[[str], Variant]
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._variant = variant
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="footage")
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def close(self) -> None:
        """Stop drawing; what is half made is thrown away."""
        self._stop.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def path(self, task: TaskRecord) -> Path:
        """Return where a task's clip or picture lies, or will lie."""
        form = self._variant(task.slug).family.format
        if form != "mp4" or task.wire == "ark":
            wanted = str(self._wishes(task).get("output_format", form))
            form = wanted if wanted.isalnum() else form
        return self._ledger.folder / "clips" / f"{task.task_id}.{form}"

    def _wishes(self, task: TaskRecord) -> Mapping[str, Any]:
        return wishes(self._variant(task.slug), task.body)

    def last_frame_path(self, task: TaskRecord) -> Path:
        """Return where a task's last picture lies, if it was asked for."""
        return self.path(task).with_suffix(".png")

    def second_path(self, task: TaskRecord) -> Path:
        """Return where a picture lies that nobody asked for."""
        path = self.path(task)
        return path.with_suffix(f".2{path.suffix}")

    async def clip(self, task: TaskRecord) -> Path:
        """Return the clip, made now if need be."""
        path = self.path(task)
        if is_made(path):
            return path
        async with self._locks[task.task_id]:
            if not is_made(path):
                source = await self._input(task)
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._threads, self._make, task, source)
        self._locks.pop(task.task_id, None)
        return path

    async def _input(self, task: TaskRecord) -> Path | None:
        """Return the clip that this one continues, if it is one of ours."""
        urls = self._wishes(task).get("video_urls")
        if not urls:
            return None
        parent = self.task_behind(urls[0])
        if parent is not None and parent.number < task.number:
            return await self.clip(parent)
        return self.media_behind(urls[0])

    def order(self, task: TaskRecord) -> Order:
        """Return what a task's clip is like."""
        body = self._wishes(task)
        frame = (
            self._picture(body["first_frame_image"]).size if "first_frame_image" in body else None
        )
        return order(self._variant(task.slug), task.body, frame)

    def task_behind(self, url: str) -> TaskRecord | None:
        """Return the task whose clip this address names, on whatever port it was served."""
        name = self.own_name(url, "/files/")
        return (
            self._ledger.tasks.get(name.removesuffix(".mov").removesuffix(".mp4")) if name else None
        )

    def media_behind(self, url: str) -> Path | None:
        """Return the uploaded file that this address names."""
        name = self.own_name(url, "/media/")
        upload = self._ledger.uploads.get(name.rpartition(".")[0]) if name else None
        return self._ledger.media_path(upload) if upload else None

    def still_task(self, url: str) -> TaskRecord | None:
        """Return the task whose last picture this address names."""
        name = self.own_name(url, "/files/")
        return self._ledger.tasks.get(name.removesuffix(".png")) if name else None

    def _still_behind(self, url: str) -> Path | None:
        task = self.still_task(url)
        return self.last_frame_path(task) if task else None

    def shape(self, value: str) -> tuple[int, int] | None:
        """Return the size in pixels of a clip or picture; None: it is out of reach."""
        sent = self._ledger.text_of(value)
        parent = self.task_behind(sent) if is_url(sent) else None
        if parent is not None:
            wanted = self.order(parent)
            return wanted.width, wanted.height
        is_ours = not is_url(sent) or self.media_behind(sent) or self._still_behind(sent)
        return self._picture(value).size if is_ours else None

    @staticmethod
    def own_name(url: str, prefix: str) -> str | None:
        """Return the last part of an address of ours; None: it is somebody else's."""
        parts = urlsplit(url)
        if parts.hostname not in _LOOPBACK or not parts.path.startswith(prefix):
            return None
        return parts.path.removeprefix(prefix)

    def _make(self, task: TaskRecord, source: Path | None) -> None:
        """Draw a clip and move it into place."""
        wanted = _spoilt(self.order(task), task)
        path = self.path(task)
        part = path.with_suffix(f".{threading.get_ident()}.part")
        for place in (part, self.second_path(task), self.last_frame_path(task)):
            place.unlink(missing_ok=True)  # a link that was planted there
        try:
            if wanted.is_picture:
                self._paint(task, wanted, part)
            elif self._settings.footage == "patched":
                self._patch(task, wanted, part)
            else:
                self._draw(task, wanted, source, part)
            if "two-clips" in task.faults:
                shutil.copyfile(part, self.second_path(task))
                with self.second_path(task).open("ab") as file:
                    file.write(_BOX.pack(_BOX.size, b"free"))
            if task.body.get("return_last_frame"):
                last_frame(part).save(self.last_frame_path(task))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _draw(self, task: TaskRecord, wanted: Order, source: Path | None, part: Path) -> None:
        body = self._wishes(task)
        size = (wanted.width, wanted.height)
        make.clip(
            part,
            width=wanted.width,
            height=wanted.height,
            duration_s=wanted.frames / make.FPS,
            seed=_seed(task, body),
            title=faults.unmarked(body["prompt"]),
            label=f"{_label(task, wanted)} · {wanted.duration_s} s",
            has_sound=wanted.has_sound,
            first_frame=self._first_frame(body, source, size),
            references=[self._picture(value) for value in body.get("reference_images", ())],
            stop=self._stop,
            container=self._container(task),
        )

    def _paint(self, task: TaskRecord, wanted: Order, part: Path) -> None:
        """Write a picture in the format that its path says; where it was to go wrong, two."""
        body = self._wishes(task)
        targets = [part, self.second_path(task)] if "two-pictures" in task.faults else [part]
        for number, target in enumerate(targets):
            make.still(
                target,
                form=self.path(task).suffix.removeprefix("."),
                size=(wanted.width, wanted.height),
                seed=_seed(task, body) + number,
                title=faults.unmarked(body["prompt"]),
                label=_label(task, wanted),
                references=[self._picture(value) for value in body.get("reference_images", ())],
            )

    def _container(self, task: TaskRecord) -> Literal["mp4", "mov"]:
        is_mov = self.path(task).suffix == ".mov" or "other-container" in task.faults
        return "mov" if is_mov else "mp4"

    def _patch(self, task: TaskRecord, wanted: Order, part: Path) -> None:
        """Copy the one clip of this shape, with the task's id in a box that players skip.

        The box is as long as the id decides: two clips have different sizes, as they do in life.
        """
        form = self._container(task)
        name = f"{wanted.width}x{wanted.height}-{wanted.frames}-{wanted.has_sound:d}-{form}.base"
        base = part.with_name(name)
        if not base.exists():
            own = base.with_suffix(f".{threading.get_ident()}.part")
            make.clip(
                own,
                width=wanted.width,
                height=wanted.height,
                duration_s=wanted.frames / make.FPS,
                seed=self._settings.seed,
                title="One clip for all tasks of a load test",
                has_sound=wanted.has_sound,
                stop=self._stop,
                container=form,
            )
            own.replace(base)
        shutil.copyfile(base, part)
        sizes = random.Random(task.task_id)  # noqa: S311 - as clips differ
        mark = bytes(sizes.randrange(_PATCH_BYTES)) + task.task_id.encode()
        with part.open("ab") as file:
            file.write(_BOX.pack(_BOX.size + len(mark), b"free") + mark)

    def _first_frame(
        self, body: Any, source: Path | None, size: tuple[int, int]
    ) -> Image.Image | None:
        """Return the picture that a clip starts with, if its body names one."""
        if "video_urls" in body:
            if source is None:
                return placeholder("the input clip is not simulated", size)
            try:
                return last_frame(source)
            except ArtifactError:
                return placeholder("the input clip cannot be read", size)
        if "first_frame_image" in body:
            return self._picture(body["first_frame_image"], size)
        return None

    def _picture(self, value: str, size: tuple[int, int] = (400, 400)) -> Image.Image:
        """Return an image of a body; nothing is fetched from other hosts."""
        sent = self._ledger.text_of(value)
        content: bytes | None
        if is_url(sent):
            path = self.media_behind(sent) or self._still_behind(sent)
            content = path.read_bytes() if path and path.exists() else None
        else:
            content = decoded(sent)
        if content is None:
            return placeholder("not fetched", size)
        try:
            with Image.open(BytesIO(content)) as image:
                return image.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return placeholder("not a picture", size)


def _seed(task: TaskRecord, body: Mapping[str, Any]) -> int:
    seed = body.get("seed", -1)
    return int(seed) if seed >= 0 else int(task.task_id.rpartition("-")[2], 16)


def _label(task: TaskRecord, wanted: Order) -> str:
    model = task.slug.rpartition("/")[2]
    size = f"{wanted.width}x{wanted.height}"
    shape = size if wanted.is_picture else f"{wanted.resolution} {wanted.ratio}"
    return f"{task.task_id} · {model} · {shape}"


def placeholder(words: str, size: tuple[int, int]) -> Image.Image:
    """Return a picture that says why there is none."""
    image = Image.new("RGB", size, (58, 62, 74))
    lines: Sequence[str] = text.wrap(
        words, text.font(max(14, min(size) // 12)), size[0] * 8 // 10, 3
    )
    ImageDraw.Draw(image).multiline_text(
        (size[0] // 2, size[1] // 2),
        "\n".join(lines),
        font=text.font(max(14, min(size) // 12)),
        fill=(210, 214, 224),
        anchor="mm",
        align="center",
    )
    return image
