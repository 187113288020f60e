"""A provider in memory that does as a test says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from seedrender.errors import NotFoundError, RateLimitedError, SubmissionUnknownError, Violation
from seedrender.media import make
from seedrender.values.job import CorrelationId, Job, MediaKind, Submission
from seedrender.values.money import NO_VIDEO, UNKNOWN_PRICE, Amount, Price, Span
from seedrender.values.provider import NO_WITNESSES, Limits, LocalFile, MediaUrl, RateWindow
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState


@cache
def clip_bytes(
    seed: int = 0, size: tuple[int, int] = (64, 64), duration_s: int = 4, *, has_sound: bool = False
) -> bytes:
    """A real clip."""
    width, height = size
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        make.clip(
            path,
            width=width,
            height=height,
            duration_s=duration_s,
            seed=seed,
            title="x",
            has_sound=has_sound,
        )
        return path.read_bytes()


def clip_for(job: Job, seed: int = 0) -> bytes:
    """A clip as a job asks for it; small and short where it does not say."""
    return clip_bytes(seed, size_for(job), job.stated_duration_s or 4, has_sound=bool(job.audio))


def size_for(job: Job) -> tuple[int, int]:
    """The width and height that a job asks for."""
    if job.resolution is None and job.ratio in (None, "adaptive"):
        return 64, 64
    lines = int((job.resolution or "64p").removesuffix("p"))
    across, down = map(int, (job.ratio or "16:9").replace("adaptive", "16:9").split(":"))
    scale = lines / min(across, down)
    return round(across * scale / 2) * 2, round(down * scale / 2) * 2


class Scripted:
    """Every task ends well after a minute, unless a test says otherwise."""

    def __init__(self) -> None:
        self.name = "scripted"
        self.limits = Limits(concurrency=4, requests_per_minute=6000, settle_s=0.0)
        self.render_s = 60.0
        self.ahead_s: float | None = None  # our clock of the provider's
        self.account: str | None = None
        self.window: RateWindow | None = None
        self.received: list[str] = []  # jobs for which a task was created
        self.attempts: list[str] = []
        self.polls: list[str] = []
        self.bodies: dict[str, Mapping[str, object]] = {}
        self.in_flight = self.most_in_flight = 0
        self.submit_errors: defaultdict[str, list[Exception]] = defaultdict(list)
        self.poll_errors: defaultdict[str, list[Exception]] = defaultdict(list)
        self.retrieve_errors: defaultdict[str, list[Exception]] = defaultdict(list)
        self.ends: dict[str, Task] = {}
        self.found: dict[str, list[TaskId]] | None = None
        self.cost: Amount | None = None
        self.takes_at_once = 1000
        self.frames: dict[str, list[bytes | Exception]] = {}  # job → last frame, at each download
        self.clip_seed = 0
        self.before: Callable[[str, str], None] = lambda _kind, _name: None  # each request leaves
        self.submits: list[Submission] = []
        self.poll_times: list[float] = []
        self.answers: defaultdict[str, list[Task | Exception]] = defaultdict(list)  # to first polls
        self.files: dict[str, list[bytes | Exception]] = {}  # URL → what comes at each download
        self.sought: list[tuple[str, datetime | None, frozenset[TaskId]]] = []
        self.names: defaultdict[str, list[object]] = defaultdict(list)  # task ids, as answered
        self._made = 0
        self._seeds: dict[str, int] = {}
        self._asked: dict[str, Job] = {}
        self.late: set[str] = set()
        self.prices: dict[str, Price] = {}
        self._tasks: dict[TaskId, tuple[str, float]] = {}
        self._ended: dict[TaskId, Task] = {}  # as `ends` said: so they stay

    def loses_answer_to(self, job: str) -> None:
        self.submit_errors[job].append(SubmissionUnknownError("the answer was lost"))

    def answers_late(self, job: str) -> None:
        """Create the task, and lose the answer."""
        self.late.add(job)

    def forgets_everything(self) -> None:
        self._tasks.clear()

    def finish_everything(self) -> None:
        """Let every task have ended, also for a loop whose time begins anew."""
        self._tasks = {task_id: (job, 0.0) for task_id, (job, _) in self._tasks.items()}
        self.in_flight = 0

    def ends_with(self, job: str, state: TaskState, message: str = "so it is") -> None:
        self.ends[job] = Task(
            id=TaskId("any"), state=state, provider_state=state.value, message=message
        )

    def violations(self, job: Job) -> Sequence[Violation]:
        del job
        return ()

    def price(self, job: Job, video: Span = NO_VIDEO) -> Price:
        del video
        return self.prices.get(job.id, UNKNOWN_PRICE)

    def encode(
        self, job: Job, media: Mapping[str, MediaUrl], correlation_id: CorrelationId
    ) -> Submission:
        self._asked[job.id] = job
        body = {"prompt": job.prompt, "media": dict(media)}
        return Submission(job=job.id, correlation_id=correlation_id, path="/", body=body)

    async def upload(self, file: LocalFile) -> MediaUrl:
        return MediaUrl(f"https://scripted.example/{file.sha256}")

    async def submit(self, submission: Submission) -> TaskId:
        job = str(submission.job)
        self.attempts.append(job)
        self.submits.append(submission)
        self.before("submit", job)
        await asyncio.sleep(0.1)
        errors = self.submit_errors[job]
        if errors:
            raise errors.pop(0)
        if self.in_flight >= self.takes_at_once:
            raise RateLimitedError("Concurrent limit exceeded", is_concurrency=True)
        self.received.append(job)
        self.bodies[job] = submission.body
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        loop = asyncio.get_running_loop()
        loop.call_later(self.render_s, self._end_one)
        self._made += 1
        answered = self.names[job].pop(0) if self.names[job] else f"task-{self._made}"
        task_id = cast("TaskId", answered)
        self._seeds[task_id] = self.clip_seed
        self._tasks.setdefault(task_id, (job, loop.time() + self.render_s))
        if job in self.late:
            self.late.remove(job)
            raise SubmissionUnknownError("the answer was lost")
        return task_id

    def _end_one(self) -> None:
        self.in_flight -= 1

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        return {task_id: await self.poll(task_id) for task_id in task_ids}

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        del hold
        if task_id not in self._tasks:
            raise NotFoundError("no such task")
        job, ends_at = self._tasks[task_id]
        self.before("poll", job)
        self.polls.append(job)
        self.poll_times.append(asyncio.get_running_loop().time())
        if self.answers[job]:
            answer = self.answers[job].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return replace(answer, id=task_id)
        if self.poll_errors[job]:
            raise self.poll_errors[job].pop(0)
        if task_id in self._ended:
            return self._ended[task_id]
        if asyncio.get_running_loop().time() < ends_at:
            return Task(id=task_id, state=TaskState.RUNNING, provider_state="processing")
        if job in self.ends:
            self._ended[task_id] = replace(self.ends[job], id=task_id)
            return self._ended[task_id]
        url = f"https://scripted.example/{job}.mp4?task={task_id}&sig=secret"
        video = RemoteFile(url=url, kind=MediaKind.VIDEO, size_bytes=len(self._clip(job, task_id)))
        return Task(
            id=task_id,
            state=TaskState.SUCCEEDED,
            provider_state="success",
            video=video,
            last_frame=self._frame(job),
            cost=self.cost,
        )

    def _clip(self, job: str, task_id: str) -> bytes:
        """Return what a task renders, as its request asked for it."""
        asked, seed = self._asked.get(job), self._seeds[task_id]
        return clip_bytes(seed) if asked is None else clip_for(asked, seed)

    def _frame(self, job: str) -> RemoteFile | None:
        if job not in self.frames:
            return None
        url = f"https://scripted.example/{job}.png?sig=secret"
        return RemoteFile(url=url, kind=MediaKind.IMAGE)

    async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        self.before("retrieve", file.url)
        if file.url in self.files:
            content = self.files[file.url].pop(0)
            if isinstance(content, Exception):
                raise content
            yield content
            return
        if file.kind is MediaKind.IMAGE:
            content = self.frames[file.url.split("/", 3)[3].partition(".png")[0]].pop(0)
            if isinstance(content, Exception):
                raise content
            yield content
            return
        job = file.url.removeprefix("https://scripted.example/").partition(".mp4")[0]
        if self.retrieve_errors[job]:
            raise self.retrieve_errors[job].pop(0)
        yield self._clip(job, file.url.partition("?task=")[2].partition("&")[0])

    async def find(
        self,
        correlation_id: CorrelationId,
        *,
        since: datetime | None = None,
        witnesses: Mapping[TaskId, CorrelationId] = NO_WITNESSES,
    ) -> Sequence[TaskId] | None:
        self.sought.append((correlation_id, since, frozenset(witnesses)))
        return None if self.found is None else self.found.get(correlation_id, [])

    async def cancel(self, task_id: TaskId) -> bool:
        del task_id
        return False
