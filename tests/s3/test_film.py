"""Whole runs with a bucket: a chain whose link lapses, and a key that is found nowhere."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.media import make
from seedrender.plan import graph
from seedrender.plan.decide import Facts
from seedrender.plan.make import plan
from seedrender.plan.owners import Owners
from seedrender.run.desk import Desk
from seedrender.run.executor import Executor
from seedrender.run.files import Files
from seedrender.run.gate import Gate
from seedrender.run.hosting_s3 import BucketHost
from seedrender.run.inputs import Inputs
from seedrender.run.pace import Pace
from seedrender.run.slots import Slots
from seedrender.run.store import hold
from seedrender.sim.app import SimSettings
from seedrender.values.hosting import S3Store
from seedrender.values.job import JobId, MediaKind, Mode, Reference, ReferenceUse, Submission
from seedrender.values.manifest import PollSchedule
from seedrender.values.task import TaskId
from tests.builders import job
from tests.run.test_executor import Quiet
from tests.s3.gateway import BUCKET, Gateway, gateway
from tests.scripted import Scripted
from tests.served import KEY, account, ledger, simulator

FILM = """seedrender: 1
name: film
provider: modellix
hosting: {{s3: {{bucket: {bucket}, endpoint: "{endpoint}"}}}}
defaults: {{tier: mini, resolution: 480p, duration: 4, audio: false}}
run: {{poll: {{first: 1s, interval: 1s, max_interval: 1s}}, requests_per_minute: 1000}}
references:
  dance: {{video: dance.mp4}}
shots:
  spin: {{prompt: "As in {{{{ ref.dance }}}}."}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("s3")) as found:
        yield found


def dance(folder: Path) -> Path:
    path = folder / "dance.mp4"
    make.clip(path, width=864, height=496, duration_s=3, seed=1, title="dance", has_sound=False)
    return path


class Fetching(Scripted):
    """A provider that reads its input when it is asked to render, as real ones do."""

    def __init__(self) -> None:
        super().__init__()
        self.render_s = 3.0
        self.urls: list[str] = []
        self.statuses: list[int] = []

    async def submit(self, submission: Submission) -> TaskId:
        media = submission.body["media"]
        self.urls.append(media["dance"])
        self.statuses.append(await asyncio.to_thread(status, media["dance"]))
        return await super().submit(submission)


def status(url: str) -> int:
    try:
        with urlopen(url) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_a_link_that_lapsed_in_the_middle_of_a_chain_is_renewed(
    server: Gateway, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(dance(tmp_path).read_bytes()).hexdigest()
    use = ReferenceUse(reference=Reference(name="dance", kind=MediaKind.VIDEO, path="dance.mp4"))
    first = job("fly/01", references=(use,), mode=Mode.V2V, duration_s=4)
    second = job("fly/02", references=(use,), mode=Mode.V2V, duration_s=4, needs=(JobId("fly/01"),))
    provider = Fetching()
    store = S3Store(bucket=BUCKET, endpoint=server.endpoint, link_life_s=2.0)
    statuses_later: list[int] = []

    async def work() -> None:
        async with hold(tmp_path / "film.lock", "film.yaml") as held:
            files = Files(root=tmp_path, output_dir="renders")

            def facts() -> Facts:
                digests = {"dance": sha256}
                return Facts(lock=held.lock, digests=digests, is_present=files.is_present)

            host = BucketHost(store, server.environ)
            desk = Desk(
                provider=provider,
                store=held,
                files=files,
                inputs=Inputs(provider, held, files, {"dance": sha256}, host=host),
                slots=Slots(4),
                pace=Pace(6000),
                gate=Gate(),
                poll=PollSchedule(first_s=0.2, interval_s=0.2, jitter=0.0),
                listener=Quiet(),
            )
            made = plan(graph.build([first, second]), (), facts())
            owners = Owners(lock=held.lock, jobs=[first, second], digests={"dance": sha256})
            await Executor(desk, made, facts, owners).run()

    asyncio.run(work())
    statuses_later.append(status(provider.urls[0]))

    assert provider.received == ["fly/01", "fly/02"]
    assert provider.statuses == [200, 200]
    assert statuses_later == [403]  # the first link: only a renewed one could be read
    assert provider.urls[0].partition("?")[0] == provider.urls[1].partition("?")[0]


@pytest.fixture
def film(server: Gateway, tmp_path: Path) -> Path:
    dance(tmp_path)
    path = tmp_path / "film.yaml"
    path.write_text(FILM.format(bucket=BUCKET, endpoint=server.endpoint))
    return path


def test_a_key_is_found_in_nothing_that_a_run_says_or_writes(
    server: Gateway, film: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = [KEY, *server.environ.values()]
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    said = []
    with simulator(SimSettings(key=KEY, speed=20)) as base_url:
        account(monkeypatch, base_url)
        said += _killed_on_the_way(film)
        journal = film.with_name("film.lock.journal").read_text()
        for command in ("check --online", "plan", "run", "report", "status"):
            name, *options = command.split()
            done = CliRunner().invoke(
                cli, [name, str(film), *options], obj=State(), standalone_mode=False
            )
            said.append(f"{done.output} {done.exception!r}")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-wrong-secret")
        film.write_text(film.read_text().replace("As in", "Just as in"))
        wrong = CliRunner().invoke(cli, ["run", str(film)], obj=State(), standalone_mode=False)
        asked = ledger(base_url)

    said += [journal, caplog.text, wrong.output, repr(wrong.exception)]
    written = [
        p.read_bytes() for p in film.parent.rglob("*") if p.is_file() and "sim" not in p.parts
    ]
    signatures = re.compile(r"X-Amz-Signature|Credential=")
    assert not [text for text in said if any(s in text for s in [*secrets, "planted-wrong-secret"])]
    assert not [text for text in said if signatures.search(text)]
    assert not [c for c in written if any(s.encode() in c for s in secrets) or b"X-Amz-Sig" in c]
    assert "refuses AWS_ACCESS_KEY_ID" in wrong.output
    assert asked["submit"] == 1
    assert "upload" not in asked


def _killed_on_the_way(film: Path) -> list[str]:
    """Run in a process of its own, look at its line in the process list, and kill it."""
    command = [sys.executable, "-m", "seedrender", "run", film.name]
    with subprocess.Popen(
        command, cwd=film.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        journal = film.with_name("film.lock.journal")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if journal.exists() and '"submitted"' in journal.read_text():
                break
            time.sleep(0.02)
        listed = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
        os.kill(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        return [listed, process.stdout.read()]
