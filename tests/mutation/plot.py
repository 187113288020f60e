"""Lays out the folders in which mutmut works: a part of the code, beside the tests that it needs.

A mutant's tests are those that reach it: few and quick ones, if every part has but its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_LENT = ("seedrender", "tests", "schemas", "examples", "README.md", "CHANGELOG.md")


@dataclass(frozen=True, slots=True)
class Plot:
    """One part of the code, with mutmut's settings for it in a file of its name."""

    name: str

    @property
    def folder(self) -> Path:
        """Return where mutmut works, and keeps what it found."""
        return _ROOT / "mutants" / self.name

    def has_any(self, modules: Sequence[str]) -> bool:
        """Say whether some of these modules, or all, are its business."""
        return not modules or bool(self.those_of(modules))

    def those_of(self, modules: Sequence[str]) -> list[str]:
        """Return the modules that it plants faults in."""
        patterns = tomllib.loads(self._settings)["tool"]["mutmut"]["only_mutate"]
        paths = {module: f"seedrender/{module.replace('.', '/')}.py" for module in modules}
        return [m for m in modules if any(fnmatchcase(paths[m], pattern) for pattern in patterns)]

    def laid_out(self) -> Path:
        """Return the folder, with all in its place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in _LENT:
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(_ROOT / name)
        ours = (_ROOT / "pyproject.toml").read_text("utf-8")
        (self.folder / "pyproject.toml").write_text(f"{ours}\n{self._settings}", "utf-8")
        return self.folder

    def forget_reach(self) -> None:
        """Let mutmut find out anew which tests reach what: they may have been changed."""
        (self.folder / "mutants/mutmut-stats.json").unlink(missing_ok=True)

    @property
    def _settings(self) -> str:
        return Path(__file__).with_name(f"{self.name}.toml").read_text("utf-8")


PLOTS = tuple(map(Plot, ("core", "executor", "tasks")))
