from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from seedrender.errors import StoppedError
from seedrender.run.stop import Signals

ALL = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@contextmanager
def as_at_start(handler: signal.Handlers = signal.SIG_DFL) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in ALL}
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


@pytest.mark.parametrize("number", ALL)
def test_a_signal_before_anything_runs_cancels_and_has_an_exit_code_of_its_own(
    number: signal.Signals,
) -> None:
    kept: list[str] = []

    async def run() -> None:
        with Signals():
            try:
                signal.raise_signal(number)
                kept.append("this line is not interrupted")
                await asyncio.sleep(60)
            finally:
                kept.append("what is to be kept is kept")

    with as_at_start(), pytest.raises(StoppedError) as found:
        asyncio.run(run())

    assert found.value.exit_code == 128 + number
    assert kept == ["this line is not interrupted", "what is to be kept is kept"]


def test_signals_while_jobs_are_driven_are_acted_on_and_cancel_nothing() -> None:
    acted: list[int] = []

    async def run() -> Signals:
        with Signals() as signals:
            signals.drives(lambda: acted.append(1))
            for number in (signal.SIGHUP, signal.SIGINT):
                signal.raise_signal(number)
                await asyncio.sleep(0.01)
        return signals

    with as_at_start():
        signals = asyncio.run(run())

    assert len(acted) == 2
    assert signals.first is signal.SIGHUP


def test_while_facts_are_kept_the_first_signal_waits_and_the_second_cancels() -> None:
    steps: list[str] = []

    async def run() -> None:
        with Signals() as signals:
            signals.keeps()
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0.01)
            steps.append("after one")
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(60)
            steps.append("after two")

    with as_at_start(), pytest.raises(StoppedError):
        asyncio.run(run())

    assert steps == ["after one"]


def test_what_was_ignored_stays_ignored_and_handlers_come_back() -> None:
    async def run() -> list[object]:
        with Signals():
            for number in ALL:
                signal.raise_signal(number)
            await asyncio.sleep(0.01)
            return [signal.getsignal(number) for number in ALL]

    with as_at_start(signal.SIG_IGN):
        inside = asyncio.run(run())
        after = [signal.getsignal(number) for number in ALL]

    assert inside == after == [signal.SIG_IGN] * 3


def test_a_cancel_that_no_signal_caused_stays_one() -> None:
    async def run() -> None:
        with Signals():
            raise asyncio.CancelledError

    with as_at_start(), pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_a_loop_that_hangs_can_still_be_ended() -> None:
    hanging = textwrap.dedent(
        """
        import asyncio, signal
        from seedrender.run.stop import Signals

        async def run():
            with Signals():
                while True:
                    signal.raise_signal(signal.SIGTERM)

        asyncio.run(run())
        """
    )

    done = subprocess.run([sys.executable, "-c", hanging], timeout=30, check=False)

    assert done.returncode == -signal.SIGTERM


def test_in_another_thread_signals_are_left_alone() -> None:
    async def run() -> object:
        with Signals():
            return signal.getsignal(signal.SIGTERM)

    async def main() -> object:
        return await asyncio.to_thread(asyncio.run, run())

    with as_at_start():
        assert asyncio.run(main()) is signal.SIG_DFL
