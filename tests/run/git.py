"""A film in a real git repository, with branches on which it was rendered."""

from __future__ import annotations

import subprocess
from pathlib import Path

from seedrender.lock import fold, lockfile
from seedrender.values.entry import Lock, LockEntry

IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


def git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Let git do something as somebody, whatever the machine's own settings are."""
    return subprocess.run(
        ["git", *words],  # noqa: S607 - whichever git there is
        cwd=folder,
        env=IDENTITY,
        capture_output=True,
        text=True,
        check=False,
    )


class Repository:
    """A repository with a manifest and its lockfile."""

    def __init__(self, folder: Path, attributes: str = "") -> None:
        self.folder = folder
        self.lock_path = folder / "film.lock"
        self.git("init", "-q", "-b", "main")
        (folder / "film.yaml").write_text(
            "seedrender: 1\nname: film\nshots:\n"
            + "".join(f"  {name}: {{prompt: Kite number {name}.}}\n" for name in "abcdefgh")
        )
        if attributes:
            (folder / ".gitattributes").write_text(attributes)

    def git(self, *words: str) -> subprocess.CompletedProcess[str]:
        return git(self.folder, *words)

    def read(self) -> Lock:
        return lockfile.loads(self.lock_path.read_text("utf-8"), "film.lock")

    def render(self, *entries: LockEntry) -> None:
        """Do to the lockfile what a run does, and commit it."""
        known = self.read() if self.lock_path.exists() else Lock(manifest="film.yaml")
        self.lock_path.write_text(lockfile.dumps(fold.fold(known, entries)), "utf-8")
        self.git("add", "-A")
        assert self.git("commit", "-q", "-m", "render").returncode == 0

    def merge_two(self, ours: list[LockEntry], theirs: list[LockEntry]) -> int:
        """Render on two branches and merge them; 0: git saw no conflict."""
        self.git("checkout", "-q", "-b", "theirs")
        self.render(*theirs)
        self.git("checkout", "-q", "main")
        self.render(*ours)
        return self.git("merge", "-q", "--no-edit", "theirs").returncode
