"""Turns `--set name=value` and `--vars FILE` into values for the manifest's vars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seedrender.errors import ConfigError, ManifestError, Origin, Violation
from seedrender.source import yaml_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values for vars from outside the manifest, and who gave each."""

    values: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, tuple[str, Origin]] = field(default_factory=dict)


NOTHING = Given()


def read(flags: Sequence[str], files: Sequence[tuple[str, str]]) -> Given:
    """Read flags as `name=value` and files as (path, text); a later one wins, a flag over a file.

    A value is read as in the manifest: `--set n=3` is a number, `--set w='[rain, snow]'` a list,
    `--set t='"3"'` a text.

    Raises: ConfigError, ManifestError.
    """
    values: dict[str, Any] = {}
    places: dict[str, tuple[str, Origin]] = {}
    for file, text in files:
        tree = yaml_text.parse(text, file)
        if not isinstance(tree.root, dict):
            what = "a file of vars is a mapping of names and values"
            origin = Origin(file, 1, 1)
            raise ManifestError([Violation(origin=origin, message=what, hint="write name: value")])
        values |= tree.root
        places |= {name: (f"--vars {file}", tree.key_origin((name,))) for name in tree.root}
    for flag in flags:
        name, equals, text = flag.partition("=")
        if not equals or not name.isidentifier():
            raise ConfigError(f"--set {flag}: write --set name=value; nothing was sent")
        values[name] = yaml_text.parse(text, f"--set {name}").root if text else ""
        places[name] = (f"--set {name}", Origin(f"--set {name}", 1, 1))
    return Given(values=values, places=places)
