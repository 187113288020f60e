"""What a plan says is what a run does: every example, under every option, whatever goes wrong."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seedrender.plan import saved
from seedrender.plan.decide import Facts
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit, outcome
from seedrender.plan.saved import Chosen
from seedrender.run import project, promise
from seedrender.run.choices import Choices
from seedrender.run.desk import Desk
from seedrender.run.executor import Executor
from seedrender.run.gate import Gate
from seedrender.run.inputs import Inputs
from seedrender.run.pace import Pace
from seedrender.run.project import NO_WISHES, Project
from seedrender.run.slots import Slots
from seedrender.run.store import Store, hold
from seedrender.values.job import JobId, MediaKind
from seedrender.values.manifest import PollSchedule
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState
from tests import virtual
from tests.scripted import Scripted, size_for
from tests.test_examples import VALID

ENDS = {
    "failed": (TaskState.FAILED, Verdict.MISSING, Exit.FAILED),
    "expired": (TaskState.EXPIRED, Verdict.MISSING, Exit.FAILED),
    "refused": (TaskState.REFUSED, Verdict.BLOCKED, Exit.FAILED),
    "lost": (None, Verdict.UNKNOWN, Exit.UNDECIDED),
}


class Various(Scripted):
    """No two clips, and no two pictures, have the same bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.draws: set[str] = set()  # jobs that make pictures

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        task = await super().poll(task_id, hold=hold)
        if task.video is None:
            return task
        if self._tasks[task_id][0] in self.draws:
            picture = RemoteFile(url=f"x:{task_id}", kind=MediaKind.IMAGE)
            return replace(task, video=None, pictures=(picture,))
        size = len(self._clip(self._tasks[task_id][0], task_id)) + len(_tail(task_id))
        return replace(task, video=replace(task.video, url=f"x:{task_id}", size_bytes=size))

    async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        task_id = TaskId(file.url.removeprefix("x:"))
        job = self._tasks[task_id][0]
        if file.kind is MediaKind.IMAGE:
            yield _picture(task_id, size_for(self._asked[job]))
        else:
            yield self._clip(job, task_id) + _tail(task_id)


def _picture(task_id: TaskId, size: tuple[int, int]) -> bytes:
    number = int(task_id.removeprefix("task-"))
    picture = BytesIO()
    Image.new("RGB", size, (number % 256, number // 256, 0)).save(picture, "png")
    return picture.getvalue()


def _tail(task_id: TaskId) -> bytes:
    """A box that players skip."""
    return (24).to_bytes(4) + b"free" + task_id.encode().ljust(16)


class Quiet:
    def note(self, job: JobId, what: str, detail: str = "") -> None:
        """Nobody listens."""

    def say(self, words: str) -> None:
        """Nobody listens."""


@dataclass
class Stage:
    """A copy of an example, and a route that does as it is told."""

    manifest: Path
    choices: Choices = field(default_factory=Choices)
    selectors: tuple[str, ...] = ()
    provider: Various = field(default_factory=Various)
    stop_after_s: float | None = None
    is_exact: bool = False
    is_locked: bool = False

    def load(self) -> Project:
        return project.load(self.manifest, choices=self.choices, selectors=self.selectors)

    def plan(self) -> Plan:
        found = self.load()
        return found.plan(found.read_lock())

    def text(self) -> str:
        """The plan as it would be saved."""
        return saved.dumps(promise.of(self.load(), self.plan(), Chosen()))

    def run(self) -> Exit:
        self.provider.received.clear()
        code, _ = virtual.run(self._run())
        return code

    async def _run(self) -> Exit:
        found = self.load()
        self.provider.name = found.manifest.provider
        self.provider.draws = {job.id for job in found.jobs if job.makes is MediaKind.IMAGE}
        async with hold(found.lock_path, found.path.name, found.moves) as store:
            executor = self._executor(found, store)
            if self.stop_after_s is not None:
                asyncio.get_running_loop().call_later(self.stop_after_s, executor.stop, "")
            await executor.run()
            return outcome(found.plan(store.lock), store.lock, executor.failed)

    def _executor(self, found: Project, store: Store) -> Executor:
        gate = Gate()
        if self.is_locked:
            gate.close("--locked")
        desk = Desk(
            provider=self.provider,
            store=store,
            files=replace(found.files, clock=store.clock),
            inputs=Inputs(self.provider, store, found.files, found.digests),
            slots=Slots(4),
            pace=Pace(6000),
            gate=gate,
            poll=PollSchedule(jitter=0.0),
            listener=Quiet(),
        )
        plan = found.plan(store.lock)
        owners = found.owners(store.lock)
        owners.assign()

        def facts() -> Facts:
            return found.facts(store.lock, NO_WISHES, owners.chosen)

        return Executor(desk, plan, facts, owners, is_exact=self.is_exact)


def copied(example: Path, to: Path) -> Path:
    ignored = shutil.ignore_patterns("renders", "*.lock", ".*")
    return shutil.copytree(example.parent, to / "film", ignore=ignored) / example.name


def verdicts(plan: Plan) -> Mapping[str, Verdict]:
    return {step.job.id: step.verdict for step in plan.steps}


def to_buy(plan: Plan) -> list[str]:
    return sorted(step.job.id for step in plan.steps if step.will_submit)


def every_choice(example: Path) -> list[tuple[Choices, tuple[str, ...]]]:
    """No option, each profile, each var with another value, each shot, tag and rest of a chain."""
    found = project.load(example)
    profiles = [Choices(profile=name) for name in found.manifest.profiles]
    flags = [
        Choices(flags=(f"{name}=something else",))
        for name, value in found.manifest.vars.items()
        if isinstance(value, str)
    ]
    names = dict.fromkeys(
        [job.shot for job in found.jobs]
        + [f"tag:{tag}" for job in found.jobs for tag in job.tags]
        + [f"{take.segments[1]}.." for take in found.takes]
        + [f"{job.id[:-1]}*" for job in found.jobs[::5]]
    )
    whole: list[tuple[Choices, tuple[str, ...]]] = [(c, ()) for c in (Choices(), *profiles, *flags)]
    return [*whole, *((Choices(), (name,)) for name in names)]


@pytest.mark.parametrize("example", [pytest.param(p, id=p.stem) for p in VALID])
def test_directly_after_a_run_the_plan_is_empty_under_every_option(
    example: Path, tmp_path: Path
) -> None:
    for number, (choices, selectors) in enumerate(every_choice(example)):
        stage = Stage(copied(example, tmp_path / str(number)), choices, selectors)
        planned = to_buy(stage.plan())

        code = stage.run()

        after = stage.plan()
        assert (code, after.is_done) == (Exit.DONE, True), (choices, selectors)
        assert sorted(stage.provider.received) == planned == sorted(verdicts(after))


@settings(max_examples=5)
@given(data=st.data())
@pytest.mark.parametrize("example", [pytest.param(p, id=p.stem) for p in VALID])
def test_after_any_series_of_choices_the_plan_of_the_last_one_is_empty(
    example: Path, data: st.DataObject
) -> None:
    series = data.draw(st.lists(st.sampled_from(every_choice(example)), min_size=2, max_size=3))
    with TemporaryDirectory() as folder:
        stage = Stage(copied(example, Path(folder)))
        for stage.choices, stage.selectors in series:
            planned = to_buy(stage.plan())

            code = stage.run()

            assert (code, stage.plan().is_done) == (Exit.DONE, True), series
            assert sorted(stage.provider.received) == planned, series


@settings(max_examples=5)
@given(data=st.data())
@pytest.mark.parametrize("example", [pytest.param(p, id=p.stem) for p in VALID])
def test_after_a_run_that_went_wrong_the_plan_says_exactly_what_is_left(
    example: Path, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        stage = Stage(copied(example, Path(folder)))
        jobs = stage.load().jobs
        faults = data.draw(
            st.dictionaries(st.sampled_from([j.id for j in jobs]), st.sampled_from(list(ENDS)))
        )
        for name, fault in faults.items():
            end = ENDS[fault][0]
            if end is None:
                stage.provider.loses_answer_to(name)
            else:
                stage.provider.ends_with(name, end)

        code = stage.run()
        after = stage.plan()

        expected: dict[str, Verdict] = {}
        for job in jobs:
            is_ready = all(expected[need] is Verdict.CURRENT for need in job.parents)
            reached = ENDS[faults[job.id]][1] if job.id in faults else Verdict.CURRENT
            expected[job.id] = reached if is_ready else Verdict.WAITS
        assert verdicts(after) == expected
        codes = [ENDS[faults[j]][2] for j in faults if expected[j] is not Verdict.WAITS]
        assert code == max(codes, default=Exit.DONE)
        assert stage.text() == stage.text()

        stage.provider.ends.clear()
        stage.provider.submit_errors.clear()
        planned = to_buy(after)
        stage.run()
        text, lock = stage.text(), stage.load().lock_path.read_bytes()
        never = [j for j in planned if verdicts(stage.plan())[JobId(j)] is Verdict.WAITS]
        assert sorted([*stage.provider.received, *never]) == planned

        stage.run()
        assert stage.provider.received == []
        assert (stage.text(), stage.load().lock_path.read_bytes()) == (text, lock)


@settings(max_examples=5)
@given(seconds=st.floats(0.05, 200))
@pytest.mark.parametrize("example", [pytest.param(p, id=p.stem) for p in VALID])
def test_after_a_run_that_was_stopped_the_plan_buys_the_rest_and_nothing_twice(
    example: Path, seconds: float
) -> None:
    with TemporaryDirectory() as folder:
        stage = Stage(copied(example, Path(folder)), stop_after_s=seconds)
        whole = to_buy(stage.plan())
        code = stage.run()
        first, after = list(stage.provider.received), stage.plan()

        assert (code is Exit.DONE) == after.is_done
        assert code in (Exit.DONE, Exit.UNFINISHED)
        assert sorted([*first, *to_buy(after)]) == whole
        assert stage.text() == stage.text()

        stage.stop_after_s = None
        assert stage.run() is Exit.DONE
        assert sorted([*first, *stage.provider.received]) == whole
        assert stage.plan().is_done


@pytest.mark.parametrize(
    ("is_exact", "is_locked", "bought"),
    [
        pytest.param(False, False, ["opener"], id="a plain run"),
        pytest.param(True, False, [], id="by a saved plan"),
        pytest.param(False, True, [], id="locked"),
    ],
)
def test_what_turns_out_not_to_exist_is_bought_by_a_plain_run_only(
    tmp_path: Path, *, is_exact: bool, is_locked: bool, bought: list[str]
) -> None:
    (tmp_path / "film.yaml").write_text(
        "seedrender: 1\nname: film\nshots: {opener: {prompt: A kite.}}\n"
    )
    stage = Stage(tmp_path / "film.yaml", is_exact=is_exact, is_locked=is_locked)
    stage.provider.loses_answer_to("opener")
    stage.is_locked = False
    assert stage.run() is Exit.UNDECIDED
    stage.is_locked = is_locked
    stage.provider.found = {}  # the provider proves that nothing was created

    stage.run()

    assert stage.provider.received == bought
    assert verdicts(stage.plan())[JobId("opener")] is (
        Verdict.CURRENT if bought else Verdict.MISSING
    )


def test_a_locked_run_collects_what_is_at_the_provider(tmp_path: Path) -> None:
    (tmp_path / "film.yaml").write_text(
        "seedrender: 1\nname: film\nshots: {opener: {prompt: A kite.}, closer: {prompt: A dog.}}\n"
    )
    stage = Stage(tmp_path / "film.yaml", selectors=("opener",), stop_after_s=5)
    assert stage.run() is Exit.UNFINISHED
    stage = Stage(stage.manifest, provider=stage.provider, is_locked=True)

    stage.run()

    assert stage.provider.received == []
    assert verdicts(stage.plan()) == {"opener": Verdict.CURRENT, "closer": Verdict.MISSING}
