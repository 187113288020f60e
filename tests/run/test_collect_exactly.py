"""What is collected, word for word: what is asked of whom, kept in the lock, and told."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from seedrender.errors import (
    ArtifactError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from seedrender.lock.identity import WHICHEVER, Asked
from seedrender.run.clock import Clock
from seedrender.run.collect import Collect
from seedrender.run.desk import Desk
from seedrender.run.files import Files
from seedrender.run.gate import Gate
from seedrender.run.slots import Slots
from seedrender.values.entry import Fingerprint, JobState, LockEntry, TaskRecord
from seedrender.values.job import Job, JobId, MediaKind, Mode
from seedrender.values.manifest import PollSchedule
from seedrender.values.task import Artifact, Frame, RemoteFile, Task, TaskId, TaskState
from tests import virtual
from tests.builders import T0, clip, entry, job, record
from tests.run.test_pictures import picture
from tests.scripted import clip_bytes
from tests.site import PNG

SPIN = job("spin")
STILL = job("spin", mode=Mode.T2I, output="renders/spin.png")
THIS = record("c1", JobState.SUCCEEDED, provider="scripted")
EARLIER = record(
    "c0", JobState.SUCCEEDED, provider="scripted", fingerprint=Fingerprint(digest="sha256:00")
)
URL = "https://scripted.example/spin.mp4?sig=secret"
_FILM = b"\x00\x00\x00\x18ftypmp42"  # begins a clip
OLD, FIRST = _FILM + b"the clip before", _FILM + b"the first"
DONE = ("note", "spin", "done", "renders/spin.mp4")
TROUBLES = [UnavailableError, RateLimitedError, ArtifactError, NotFoundError]


class Hand(Clock):
    """A clock whose hand moves one minute at each look."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self._now = now

    def now(self) -> datetime:
        self._now += timedelta(minutes=1)
        return self._now


class Others:
    """All whom collecting turns to, in one; what they hear is noted in order."""

    name = "scripted"

    def __init__(self, known: LockEntry | None = None) -> None:
        self.heard: list[tuple[object, ...]] = []
        self.clock = Hand(T0)
        self.known = known
        self.answers: list[Task | Exception] = []  # to the polls
        self.files: dict[str, list[bytes | Exception]] = {}  # URL → what comes at each download

    async def turn(self) -> None:
        self.heard.append(("turn",))

    async def poll(self, task_id: TaskId) -> Task:
        self.heard.append(("poll", task_id))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        content = self.files[file.url].pop(0)
        if isinstance(content, Exception):
            raise content
        yield content

    def entry(self, name: JobId) -> LockEntry | None:
        return self.known if name == "spin" else None

    async def keep(self, fact: LockEntry) -> None:
        self.heard.append(("keep", fact))

    def remember(self, name: JobId, url: str, expires_at: datetime | None) -> None:
        self.heard.append(("remember", name, url, expires_at))

    def note(self, name: JobId, what: str, detail: str = "") -> None:
        self.heard.append(("note", name, what, detail))


class Patient(Desk):
    """Waits for nobody, and notes for whom it would have."""

    async def back_off(self, error: Exception, attempt: int) -> None:
        cast(Others, self.listener).heard.append(("back off", error, attempt))


def collecting(folder: Path, others: Others) -> Collect:
    anybody = cast(Any, others)
    return Collect(
        Patient(
            provider=anybody,
            store=anybody,
            files=Files(root=folder, output_dir="renders", clock=Hand(T0 - timedelta(days=1))),
            inputs=anybody,
            slots=Slots(1),
            pace=anybody,
            gate=Gate(),
            poll=PollSchedule(),
            listener=anybody,
        )
    )


def collect(folder: Path, others: Others, *content: bytes | Exception) -> None:
    """Collect a clip whose downloads bring these contents in turn."""
    others.files[URL] = list(content)
    virtual.run(collecting(folder, others).collect(SPIN, THIS, clip_task()))


def collect_pictures(folder: Path, others: Others, *content: bytes | Exception) -> None:
    """Collect what one task made: each content is a picture."""
    found = [RemoteFile(url=f"https://p.example/{n}", kind=MediaKind.IMAGE) for n in range(9)]
    others.files = {file.url: [data] for file, data in zip(found, content, strict=False)}
    task = replace(clip_task(), pictures=tuple(found[: len(content)]))
    virtual.run(collecting(folder, others).collect(STILL, THIS, task))


def restore(
    folder: Path,
    others: Others,
    wanted: TaskRecord,
    asked: Asked = WHICHEVER,
    what: Job = SPIN,
) -> None:
    virtual.run(collecting(folder, others).restore(what, wanted.fingerprint, asked))


def clip_task(**fields: Any) -> Task:
    video = RemoteFile(url=URL, kind=MediaKind.VIDEO, size_bytes=len(clip_bytes()), expires_at=T0)
    made = Task(
        id=TaskId("task-c1"), state=TaskState.SUCCEEDED, provider_state="success", video=video
    )
    return replace(made, **fields)


def running() -> Task:
    return clip_task(state=TaskState.RUNNING, provider_state="processing", video=None)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(folder: Path, path: str, content: bytes, made_by: str = "c0") -> Artifact:
    """Put a file in its place; return what the lock says of it."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return replace(clip(made_by, path), sha256=digest(content), size_bytes=len(content))


def new_clip(minute: int) -> Artifact:
    """What the lock is to say of the clip that is collected here."""
    content = clip_bytes()
    return Artifact(
        path="renders/spin.mp4",
        sha256=digest(content),
        size_bytes=len(content),
        duration_s=4.0,
        width=64,
        height=64,
        made_at=T0 + timedelta(minutes=minute),
        made_by="c1",
    )


def kept_path(content: bytes, suffix: str = "mp4") -> str:
    return f"renders/.superseded/spin.{digest(content)[:12]}.{suffix}"


def facts(others: Others) -> list[object]:
    return [words[1] for words in others.heard if words[0] == "keep"]


def last_fact(others: Others) -> LockEntry:
    return cast(LockEntry, facts(others)[-1])


def told(others: Others, what: str) -> list[object]:
    return [words[3] for words in others.heard if words[:3] == ("note", "spin", what)]


@pytest.mark.parametrize("known", [None, entry("spin", THIS)], ids=["never heard of", "no clip"])
def test_a_clip_that_comes_at_once_is_kept_and_told_and_nobody_is_asked_again(
    tmp_path: Path, known: LockEntry | None
) -> None:
    others = Others(known)

    collect(tmp_path, others, clip_bytes())

    assert others.heard == [
        ("remember", "spin", URL, T0),
        ("keep", entry("spin", output=new_clip(1))),
        DONE,
    ]
    assert (tmp_path / "renders/spin.mp4").read_bytes() == clip_bytes()


def test_each_trouble_is_told_waited_for_and_followed_by_a_fresh_look_at_the_task(
    tmp_path: Path,
) -> None:
    others = Others()
    busy = RateLimitedError("later")
    others.answers += [running(), busy, clip_task()]

    collect(tmp_path, others, b"short", clip_bytes())

    troubles = [words for words in others.heard if words[0] == "back off"]
    assert [(str(error), attempt) for _, error, attempt in troubles] == [
        (f"5 of {len(clip_bytes())} bytes arrived", 1),
        ("task task-c1 is processing again", 2),
        ("later", 3),
    ]
    look: list[tuple[object, ...]] = [("turn",), ("poll", "task-c1")]
    waits = [[("note", "spin", "waits", f"{t[1]}; asking again"), t] for t in troubles]
    assert others.heard[:12] == [*waits[0], *look, *waits[1], *look, *waits[2], *look]
    assert others.heard[12:] == [
        ("remember", "spin", URL, T0),
        ("keep", entry("spin", output=new_clip(1))),
        DONE,
    ]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_clip_that_never_comes_is_asked_for_six_times_and_the_last_trouble_is_told(
    tmp_path: Path, trouble: type[Exception]
) -> None:
    others = Others()
    others.answers += [clip_task()] * 5
    troubles = [trouble(str(number)) for number in range(6)]

    with pytest.raises(trouble) as caught:
        collect(tmp_path, others, *troubles)

    assert caught.value is troubles[-1]
    waits = [words[1:] for words in others.heard if words[0] == "back off"]
    assert waits == [(troubles[n], n + 1) for n in range(5)]
    assert (others.answers, facts(others)) == ([], [])


@pytest.mark.parametrize(
    ("what", "task", "missing"),
    [
        pytest.param(
            SPIN,
            clip_task(video=None, pictures=(RemoteFile(url="p", kind=MediaKind.IMAGE),)),
            "video",
            id="a picture for a clip",
        ),
        pytest.param(STILL, clip_task(), "picture", id="a clip for a picture"),
    ],
)
def test_a_task_that_names_nothing_of_what_was_asked_for_is_not_asked_again(
    tmp_path: Path, what: Job, task: Task, missing: str
) -> None:
    others = Others()

    with pytest.raises(ProtocolError) as caught:
        virtual.run(collecting(tmp_path, others).collect(what, THIS, task))

    assert str(caught.value) == f"task task-c1 has succeeded and names no {missing}"
    assert others.heard == []


def test_a_last_frame_is_noted_with_its_task_before_the_clip_is(tmp_path: Path) -> None:
    others = Others()
    others.files = {URL: [clip_bytes()], "frame": [PNG]}
    task = clip_task(last_frame=RemoteFile(url="frame", kind=MediaKind.IMAGE))

    virtual.run(collecting(tmp_path, others).collect(SPIN, THIS, task))

    path = f"renders/.last-frames/spin.{digest(PNG)[:12]}.png"
    frame = Frame(path=path, sha256=digest(PNG), size_bytes=len(PNG))
    assert others.heard[1:] == [
        ("keep", entry("spin", replace(THIS, last_frame=frame))),
        ("keep", entry("spin", output=new_clip(1))),
        DONE,
    ]
    assert (tmp_path / path).read_bytes() == PNG


@pytest.mark.parametrize(
    ("in_place", "aside", "path"),
    [
        pytest.param(OLD, None, kept_path(OLD), id="in place"),
        pytest.param(b"changed", None, kept_path(b"changed"), id="changed since"),
        pytest.param(None, OLD, kept_path(OLD), id="set aside, and not noted"),
    ],
)
def test_the_clip_before_is_noted_where_it_went(
    tmp_path: Path, in_place: bytes | None, aside: bytes | None, path: str
) -> None:
    before = put(tmp_path, "renders/spin.mp4", OLD)
    (tmp_path / "renders/spin.mp4").unlink()
    if in_place is not None:
        put(tmp_path, "renders/spin.mp4", in_place)
    if aside is not None:
        put(tmp_path, kept_path(OLD), aside)
    others = Others(entry("spin", EARLIER, output=before))

    collect(tmp_path, others, clip_bytes())

    gone = replace(before, path=path, made_at=T0 + timedelta(minutes=1))
    assert last_fact(others) == entry("spin", replace(EARLIER, superseded=gone), output=new_clip(2))
    assert (tmp_path / path).read_bytes() == (in_place or aside)


@pytest.mark.parametrize(
    ("made_by", "in_place"),
    [
        pytest.param("c0", None, id="on no disk"),
        pytest.param("c0", clip_bytes(), id="the same bytes"),
        pytest.param("c1", b"changed", id="of the same task"),
        pytest.param("a person", OLD, id="of no task"),
    ],
)
def test_no_task_is_said_to_be_superseded_by_what_is(
    tmp_path: Path, made_by: str, in_place: bytes | None
) -> None:
    before = put(tmp_path, "renders/spin.mp4", in_place or OLD, made_by)
    if in_place is None:
        (tmp_path / "renders/spin.mp4").unlink()
    others = Others(entry("spin", EARLIER, THIS, output=before))

    collect(tmp_path, others, clip_bytes())

    assert last_fact(others) == entry("spin", output=new_clip(1))
    assert (tmp_path / "renders/spin.mp4").read_bytes() == clip_bytes()


def test_a_clip_that_had_another_place_stays_there(tmp_path: Path) -> None:
    before = put(tmp_path, "renders/other.mp4", OLD)
    others = Others(entry("spin", EARLIER, output=before))

    collect(tmp_path, others, clip_bytes())

    assert last_fact(others) == entry("spin", output=new_clip(1))
    assert (tmp_path / "renders/other.mp4").read_bytes() == OLD


def test_a_picture_of_another_format_is_set_aside(tmp_path: Path) -> None:
    before = put(tmp_path, "renders/spin.png", OLD)
    others = Others(entry("spin", EARLIER, output=before))

    collect_pictures(tmp_path, others, picture("JPEG"))

    found = last_fact(others)
    gone = replace(before, path=kept_path(OLD, "png"), made_at=T0 + timedelta(minutes=1))
    assert found.tasks == (replace(EARLIER, superseded=gone),)
    assert found.output is not None
    assert (found.output.path, found.output.is_picture) == ("renders/spin.jpeg", True)
    assert (tmp_path / gone.path).read_bytes() == OLD
    assert not (tmp_path / "renders/spin.png").exists()


def test_what_is_not_the_picture_that_was_there_is_left_where_it_is(tmp_path: Path) -> None:
    before = put(tmp_path, "renders/spin.png", OLD)
    put(tmp_path, "renders/spin.png", b"a person's own")
    others = Others(entry("spin", EARLIER, output=before))

    collect_pictures(tmp_path, others, picture("JPEG"))

    assert last_fact(others).tasks == ()
    assert (tmp_path / "renders/spin.png").read_bytes() == b"a person's own"


def test_pictures_that_came_unasked_are_numbered_from_two_and_each_is_told(
    tmp_path: Path,
) -> None:
    others = Others()
    colours = [picture("PNG", colour) for colour in ("red", "green", "blue")]

    collect_pictures(tmp_path, others, *colours)

    unasked = "one more picture than was asked for; the lock names the first"
    assert told(others, "kept") == [
        f"renders/spin+2.png: {unasked}",
        f"renders/spin+3.png: {unasked}",
    ]
    assert others.heard[2] == ("remember", "spin", "https://p.example/0", None)
    assert told(others, "done") == ["renders/spin.png"]
    found = [tmp_path / f"renders/spin{mark}.png" for mark in ("", "+2", "+3")]
    assert [path.read_bytes() for path in found] == colours


@pytest.mark.parametrize("trouble", TROUBLES)
def test_one_of_them_that_cannot_be_kept_is_told_and_stops_nothing(
    tmp_path: Path, trouble: type[Exception]
) -> None:
    others = Others()
    red, blue = picture("PNG"), picture("PNG", "blue")

    collect_pictures(tmp_path, others, red, trouble("no"), blue)

    assert told(others, "kept") == [
        "one more picture than was asked for cannot be kept as renders/spin+2.png: no",
        "renders/spin+3.png: one more picture than was asked for; the lock names the first",
    ]
    assert told(others, "done") == ["renders/spin.png"]


@pytest.mark.parametrize("in_place", [OLD, b"changed"], ids=["as it was", "changed since"])
def test_a_clip_that_was_set_aside_comes_back_as_that_of_its_task(
    tmp_path: Path, in_place: bytes
) -> None:
    aside = put(tmp_path, "renders/.superseded/spin.aa.mp4", FIRST, "edited")
    before = put(tmp_path, "renders/spin.mp4", OLD)
    put(tmp_path, "renders/spin.mp4", in_place)
    others = Others(entry("spin", replace(THIS, superseded=aside), EARLIER, output=before))

    restore(tmp_path, others, THIS)

    minute = timedelta(minutes=1)
    gone = replace(before, path=kept_path(in_place), made_at=T0 + minute)
    back = replace(aside, path="renders/spin.mp4", made_by="c1", made_at=T0 + 2 * minute)
    assert others.heard == [
        ("keep", entry("spin", replace(EARLIER, superseded=gone), output=back)),
        DONE,
    ]
    assert (tmp_path / back.path).read_bytes() == FIRST
    assert (tmp_path / gone.path).read_bytes() == in_place


def test_a_picture_comes_back_under_the_suffix_that_it_has(tmp_path: Path) -> None:
    aside = put(tmp_path, "renders/.superseded/spin.aa.webp", FIRST, "c1")
    before = put(tmp_path, "renders/spin.jpeg", OLD)
    aside, before = (replace(found, duration_s=None) for found in (aside, before))
    others = Others(entry("spin", replace(THIS, superseded=aside), EARLIER, output=before))

    restore(tmp_path, others, THIS, what=STILL)

    assert told(others, "done") == ["renders/spin.webp"]
    (earlier,) = last_fact(others).tasks
    assert earlier.superseded is not None
    assert earlier.superseded.path == kept_path(OLD, "jpeg")


def test_a_clip_of_another_route_does_not_come_back_where_the_route_matters(
    tmp_path: Path,
) -> None:
    aside = put(tmp_path, "renders/.superseded/spin.aa.mp4", FIRST, "c1")
    elsewhere = replace(THIS, provider="another", superseded=aside)
    before = put(tmp_path, "renders/other.mp4", OLD)
    others = Others(entry("spin", elsewhere, EARLIER, output=before))

    restore(tmp_path, others, THIS, Asked(route="scripted", is_identity=True))

    assert (tmp_path / "renders/spin.mp4").read_bytes() == OLD
    assert (tmp_path / aside.path).read_bytes() == FIRST


def test_a_clip_moves_to_the_place_that_it_is_given_now(tmp_path: Path) -> None:
    before = put(tmp_path, "renders/other.mp4", OLD)
    others = Others(entry("spin", EARLIER, output=before))

    restore(tmp_path, others, EARLIER)

    moved = replace(before, path="renders/spin.mp4", made_at=T0 + timedelta(minutes=1))
    assert others.heard == [("keep", entry("spin", output=moved)), DONE]
    assert (tmp_path / "renders/spin.mp4").read_bytes() == OLD
    assert not (tmp_path / "renders/other.mp4").exists()


def test_a_clip_that_is_missing_is_fetched_to_the_place_that_it_is_given_now(
    tmp_path: Path,
) -> None:
    others = Others(entry("spin", THIS, output=clip("c1", "renders/other.mp4")))
    others.answers, others.files = [clip_task()], {URL: [clip_bytes()]}

    restore(tmp_path, others, THIS)

    assert others.heard == [
        ("turn",),
        ("poll", "task-c1"),
        ("remember", "spin", URL, T0),
        ("keep", entry("spin", output=new_clip(1))),
        DONE,
    ]


@pytest.mark.parametrize(
    ("made", "route"),
    [
        pytest.param(replace(THIS, provider="another"), "another", id="of another route"),
        pytest.param(replace(THIS, task_id=None), "scripted", id="without a task"),
    ],
)
def test_a_clip_that_is_missing_and_can_be_fetched_nowhere_is_said_to_be(
    tmp_path: Path, made: TaskRecord, route: str
) -> None:
    others = Others(entry("spin", made, output=clip("c1")))

    with pytest.raises(ArtifactError) as caught:
        restore(tmp_path, others, made)

    assert str(caught.value) == (
        "renders/spin.mp4 is missing, and no task of this route has it; put the file back, "
        f"run with --provider {route} where that route has it, or buy it again with "
        "--resubmit spin"
    )
    assert others.heard == []
