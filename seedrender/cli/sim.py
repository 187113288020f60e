"""`seedrender sim`: a provider to try things out with."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click

from seedrender.cli.console import echo


def _shares(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, float]:
    """Read NAME=SHARE, each."""
    shares = {}
    for value in values:
        name, _, text = value.partition("=")
        try:
            shares[name] = float(text)
        except ValueError:
            shares[name] = -1.0
        if not name or not 0 <= shares[name] <= 1:
            words = f"{value!r} is not NAME=SHARE with a share from 0 to 1"
            raise click.BadParameter(words, context, option)
    return shares


@click.command("sim")
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True)
@click.option(
    "--speed",
    type=click.FloatRange(1, 100_000),
    default=60.0,
    show_default=True,
    help="Seconds that pass at the provider in one of ours.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Draws ids, times and pictures."
)
@click.option("--key", help="Accept this key only. Default: any.")
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Tasks in flight before it answers 429.",
)
@click.option(
    "--requests-per-minute",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Requests in a minute of the simulator before it answers 429.",
)
@click.option(
    "--ark-concurrency",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Ark: tasks running at once, of a key and model; more of them wait.",
)
@click.option(
    "--ark-queue",
    type=click.IntRange(1),
    default=120,
    show_default=True,
    help="Ark: tasks that may wait, of a key and model, before it answers 429.",
)
@click.option(
    "--ark-rates/--no-ark-rates",
    default=True,
    help="Ark: whether more than 20 reads, 1 list and 20 deletions a second get 429.",
)
@click.option(
    "--faults",
    multiple=True,
    callback=_shares,
    metavar="NAME=SHARE",
    help="Let a fault befall this share of submits: --faults lost-answer=0.05. May be repeated.",
)
@click.option("--retry-after", is_flag=True, help="Let 429 say how long to wait.")
@click.option(
    "--footage",
    type=click.Choice(["loop", "patched"]),
    default="loop",
    show_default=True,
    help="loop: a clip for each task; patched: one clip for all, for load tests.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Remember tasks here across restarts.",
)
@click.option(
    "--replay",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Answer by a recording of `run --record` instead, with footage of the simulator's.",
)
def command(
    *,
    port: int,
    speed: float,
    seed: int,
    key: str | None,
    concurrency: int,
    requests_per_minute: int,
    ark_concurrency: int,
    ark_queue: int,
    ark_rates: bool,
    faults: dict[str, float],
    retry_after: bool,
    footage: Literal["loop", "patched"],
    folder: Path | None,
    replay: Path | None,
) -> int:
    """Serve the simulator on loopback until Ctrl-C. It makes real clips and costs nothing."""
    if replay is not None:
        with _taken(port):
            asyncio.run(_replay(replay, port))
        return 0
    from seedrender.sim.app import SimSettings  # loads aiohttp and PyAV

    settings = SimSettings(
        speed=speed,
        seed=seed,
        key=key,
        concurrency=concurrency,
        requests_per_minute=requests_per_minute,
        ark_concurrency=ark_concurrency,
        ark_queue=ark_queue,
        has_ark_rates=ark_rates,
        faults=faults,
        has_retry_after=retry_after,
        footage=footage,
        folder=folder,
    )
    with _taken(port):
        asyncio.run(_serve(settings, port))
    return 0


@contextmanager
def _taken(port: int) -> Iterator[None]:
    """Say that another server has the port, where it is so."""
    try:
        yield
    except OSError as error:
        is_of_the_port = error.filename is None  # and not of a file in the simulator's folder
        if not is_of_the_port or error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = "is in use" if error.errno == errno.EADDRINUSE else "may not be opened"
        raise click.UsageError(
            f"port {port} {why}: stop what serves there, or choose another --port"
        ) from None


async def _replay(path: Path, port: int) -> None:
    from seedrender.sim import replay

    async with replay.serve(replay.load(path), port) as base_url:
        echo(f"Replays {path}")
        _say_how(base_url)
        await _stopped()


async def _serve(settings: object, port: int) -> None:
    from seedrender.sim.app import SimSettings, serve

    assert isinstance(settings, SimSettings), "made above"
    async with serve(settings, port=port) as base_url:
        echo(f"Modellix wire: {base_url} (submits also under …/async)")
        echo(f"Ark wire:      {base_url}/api/v3")
        echo(f"Ledger:        {base_url}/sim/ledger")
        _say_how(base_url)
        await _stopped()


def _say_how(base_url: str) -> None:
    echo(f"Try:           MODELLIX_BASE_URL={base_url} MODELLIX_API_KEY=any seedrender run …")
    echo(f"               ARK_BASE_URL={base_url}/api/v3 ARK_API_KEY=any seedrender run …")


async def _stopped() -> None:
    """Wait for Ctrl-C."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
