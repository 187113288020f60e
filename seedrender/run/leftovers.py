"""Remembers which files of ours a provider keeps, so that the run after a crash deletes them."""

from __future__ import annotations

import contextlib
import hmac
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from seedrender.project.own_folder import NAME, OwnFolder
from seedrender.project.roots import folders
from seedrender.values.job import CorrelationId

_MOST = 1000
Seal = Callable[[str], str]  # what only who has the provider's key can make of a text


class Leftovers:
    """A list under `.seedrender/` beside the manifest: each upload, and the submits that name it.

    An empty list has no file. What it names is deleted at the provider, so that it is sealed by who
    has its key: a list that came with a repository says nothing.
    """

    def __init__(self, root: Path, name: str, seal: Seal) -> None:
        self._folder, self._name = OwnFolder(root), f"uploads-{name}.json"
        self._seal = seal
        self._around: tuple[OwnFolder, ...] | None = None  # all of the repository
        self._submits = self._read(self._name, self._folder)
        self._earlier = set(self._submits)

    @property
    def earlier(self) -> Mapping[str, Collection[CorrelationId]]:
        """What earlier runs left and is kept: each file, and the submits that named it."""
        return {file_id: self._submits[file_id] for file_id in self._earlier}

    def unneeded(self, alive: Collection[CorrelationId], *, is_over: bool) -> Sequence[str]:
        """Return what none of these submits names; of this run's own files only when it is over."""
        return tuple(
            file_id
            for file_id in self._submits
            if (is_over or file_id in self._earlier) and not self.is_named(file_id, alive)
        )

    def is_named(self, file_id: str, alive: Collection[CorrelationId]) -> bool:
        """Say whether one of these submits names a file."""
        return not self._submits.get(file_id, set()).isdisjoint(alive)

    def is_anothers(self, file_id: str) -> bool:
        """Say whether the list of another manifest of the repository has a file, too."""
        if self._around is None:
            found = (place for place, names, _ in folders(self._folder.home) if NAME in names)
            self._around = tuple(map(OwnFolder, found))
        ours = self._folder.path(self._name).resolve()
        return any(
            file_id in self._read(path.name, folder)
            for folder in self._around
            for path in folder.path("").glob("uploads-*.json")
            if path.resolve() != ours
        )

    def add(self, file_id: str) -> None:
        """Note an upload."""
        self._submits.setdefault(file_id, set())  # its provider may name it by its content
        self._save()

    def use(self, file_ids: Collection[str], submit: CorrelationId) -> None:
        """Note, before a submit leaves, what it names."""
        for file_id in file_ids:
            self._submits.setdefault(file_id, set()).add(submit)
        if file_ids:
            self._save()

    def discard(self, file_id: str) -> None:
        """Note that one is gone."""
        if file_id in self._submits:
            del self._submits[file_id]
            self._earlier.discard(file_id)
            self._save()

    def _save(self) -> None:
        """Write the list; where that fails, a file stays at the provider until it lapses there."""
        with contextlib.suppress(OSError):
            if not self._submits:
                self._folder.path(self._name).unlink(missing_ok=True)
                return
            rows = {file_id: sorted(submits) for file_id, submits in self._submits.items()}
            document = {"files": rows, "seal": self._seal(_text(rows))}
            self._folder.write(self._name, json.dumps(document))

    def _read(self, name: str, folder: OwnFolder) -> dict[str, set[CorrelationId]]:
        try:
            found = json.loads(folder.read(name))
            rows, seal = found["files"], found["seal"]
            if not hmac.compare_digest(seal.encode(), self._seal(_text(rows)).encode()):
                return {}
            kept = list(rows.items())[:_MOST]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}
        return {file_id: _submits(row) for file_id, row in kept if isinstance(row, list)}


def _text(rows: object) -> str:
    return json.dumps(rows, sort_keys=True)


def _submits(row: list[object]) -> set[CorrelationId]:
    return {CorrelationId(word) for word in row if isinstance(word, str)}
