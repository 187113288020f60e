"""Starts `seedrender run` in processes of its own: forked and fast, or with streams that are closed."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

# loaded before a process forks, so that each child starts at once
import seedrender.cli.run
import seedrender.media.join
import seedrender.run.render
import seedrender.run.simulated  # noqa: F401
from seedrender.cli.main import main
from seedrender.project import holder

SPEED = 600
LONGEST_S = 120.0  # of one run
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Run:
    """One process that runs a film."""

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        *options: str,
        manifest: str = "film.yaml",
        streams: str = "kept",
    ) -> None:
        """Start it; `streams`: kept in a file, full, or closed."""
        self._code: int | None = None
        self._out = folder.with_suffix(".out")
        words = ["run", manifest, "--sim-speed", str(SPEED), *options]
        if streams == "closed":
            self.pid = self._spawned(folder, environ, words)
            return
        self.pid = os.fork()
        if not self.pid:
            try:
                self._be_it(folder, environ, words, streams)
            finally:
                os._exit(99)

    @staticmethod
    def _spawned(folder: Path, environ: Mapping[str, str], words: list[str]) -> int:
        name, manifest, *options = words
        command = [sys.executable, "-m", "seedrender", name, str(folder / manifest), *options]
        closed = [(os.POSIX_SPAWN_CLOSE, stream) for stream in range(3)]
        return os.posix_spawn(
            sys.executable, command, {**os.environ, **environ}, file_actions=closed
        )

    def _be_it(
        self, folder: Path, environ: Mapping[str, str], words: list[str], streams: str
    ) -> None:
        os.chdir(folder)
        os.environ |= environ
        for number in _ENDING:
            signal.signal(number, signal.SIG_DFL)  # whatever started us may ignore one
        out = os.open(self._out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(os.open("/dev/full", os.O_WRONLY) if streams == "full" else out, 2)
        faulthandler.dump_traceback_later(LONGEST_S / 2, file=1)
        try:
            main(words)
        except SystemExit as end:
            with suppress(OSError):
                sys.stdout.flush()
            os._exit(end.code if isinstance(end.code, int) else 98)

    @property
    def code(self) -> int | None:
        """The exit code; None: it runs."""
        if self._code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if found else None
        return self._code

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.code is None

    @property
    def said(self) -> str:
        """What it, and those before it, wrote last."""
        return self._out.read_text("utf-8", "replace")[-4000:] if self._out.exists() else ""

    def is_under_way(self, journal: Path) -> bool:
        """Return whether it has begun a journal of its own: all that was known before is folded."""
        found = holder.read(journal)
        return found is not None and found["pid"] == self.pid

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; False: it has ended before."""
        if self.is_alive:
            os.kill(self.pid, number)
            return True
        return False

    def wait(self) -> int:
        """Wait for its end; one that hangs is killed, and that shows in its code."""
        until = time.monotonic() + LONGEST_S
        while (code := self.code) is None:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.002)
        return code
