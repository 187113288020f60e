"""Reads what people wrote: manifests and the files of data that they name."""

from __future__ import annotations

from pathlib import Path

from seedrender.errors import ConfigError, NoFileError
from seedrender.project.roots import Roots

_MAX_BYTES = 64 * 2**20


def read_inside(root: Path, name: str) -> str:
    """Read a file of data: inside the repository, as references are.

    Raises: NoFileError, ConfigError.
    """
    path = root / name
    if not Roots.around(root).hold(path) or not path.is_file():
        raise NoFileError(f"{name} is no file in this repository")
    return read_text(path)


def read_text(path: Path) -> str:
    """Read a text file within bounds. Raises: ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"{path} is larger than {_MAX_BYTES // 2**20} MiB")
        return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; nothing was sent") from None
