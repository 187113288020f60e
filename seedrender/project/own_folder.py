"""Keeps what only this machine needs to know, in a folder that git leaves out."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from seedrender.project.files import make_folder, plain_bytes, write_atomically
from seedrender.project.roots import Roots

NAME = ".seedrender"


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """`.seedrender/` in a folder; a link there is followed only where it stays inside."""

    home: Path

    def path(self, name: str) -> Path:
        """Return where a file of it is."""
        return self.home / NAME / name

    def make(self) -> Path:
        """Make the folder. Raises: OSError, also where it is a link that leads outside."""
        folder = self.home / NAME
        if self.is_outside():
            raise OSError(errno.ELOOP, f"{NAME} is a link that leads outside", str(folder))
        make_folder(folder)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            write_atomically(ignore, "*\n")
        return folder

    def is_outside(self, name: str = "") -> bool:
        """Return whether it, or something in it, leads out of the repository."""
        return not Roots.around(self.home).hold(self.path(name))

    def read(self, name: str) -> bytes:
        """Read a file of it. Raises: OSError, also where it leads outside."""
        if self.is_outside(name):
            raise OSError(errno.ELOOP, "it is a link that leads outside", str(self.path(name)))
        return plain_bytes(self.path(name))

    def write(self, name: str, text: str) -> None:
        """Replace a file of it. Raises: OSError."""
        self.make()
        write_atomically(self.path(name), text)
