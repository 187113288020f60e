"""Turns a manifest and the files that it includes into one document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath

from seedrender.errors import ConfigError, ManifestError, Origin, Violation
from seedrender.source import schema, text_mode, yaml_text
from seedrender.source.document import Document
from seedrender.source.given import Given
from seedrender.source.scope import Read
from seedrender.values.manifest import Path

_MAX_FILES = 1000
_MAX_DEPTH = 64  # of files that include one another
_MAX_CHARS = 64 * 2**20  # of all files together
_GROUPS = ("vars", "references", "templates")
_MEDIA = ("image", "video", "audio")

Misshapen = tuple[tuple[Path, Violation], ...]


def load(text: str, file: str, read: Read, given: Given) -> tuple[Document, Misshapen]:
    """Parse a manifest with everything that it includes, and return what is of a wrong shape.

    Included are vars, references and templates. A path is relative to the file that says it.

    Raises: ManifestError for text that is no YAML.
    """
    tree = _parse(text, file, given)
    found = schema.check(tree)
    gatherer = _Gatherer(read, given, len(text))
    if isinstance(tree.root, dict):
        gatherer.gather(tree, tree, (file,))
    return tree, (*found, *gatherer.misshapen)


def _parse(text: str, file: str, given: Given) -> Document:
    if text_mode.is_template(file):
        return text_mode.parse(text, file, given)
    return yaml_text.parse(text, file)


class _Gatherer:
    def __init__(self, read: Read, given: Given, chars: int) -> None:
        self._read, self._given, self._chars = read, given, chars
        self._seen: set[str] = set()
        self.misshapen: list[tuple[Path, Violation]] = []

    def gather(self, tree: Document, into: Document, trail: tuple[str, ...]) -> None:
        """Add what a file includes, in order, below what the file itself says."""
        for number, name in enumerate(tree.root.get("include", ())):
            origin = tree.origin(("include", number))
            inner = normpath(PurePosixPath(trail[-1]).parent / name)
            if len(trail) > _MAX_DEPTH:
                words = f"include '{name}' is more than {_MAX_DEPTH} files deep"
                self._wrong(origin, words, "include the files side by side")
            elif inner in trail:
                loop = " includes ".join([*trail[trail.index(inner) :], inner])
                self._wrong(origin, f"files include each other: {loop}", "take one of them out")
            elif inner not in self._seen:
                self._seen.add(inner)
                part = self._part(origin, name, inner)
                if part is not None:
                    self.gather(part, part, (*trail, inner))
                    self._merge(part, into)

    def _part(self, origin: Origin, name: str, inner: str) -> Document | None:
        """Read one file; None: it is not to be had."""
        if PurePosixPath(name).is_absolute() or len(self._seen) > _MAX_FILES:
            what = "is an absolute path" if len(self._seen) <= _MAX_FILES else "is one too many"
            self._wrong(origin, f"include '{name}' {what}", "give it relative to this file")
            return None
        try:
            text = self._read(inner)
        except ConfigError as error:
            self._wrong(origin, f"include: {error}", "paths are relative to the file that says it")
            return None
        self._chars += len(text)
        if self._chars > _MAX_CHARS:
            self._wrong(origin, f"{_MAX_CHARS // 2**20} MiB are reached here", "include less")
            return None
        try:
            part = _parse(text, inner, self._given)
        except ManifestError as error:
            self.misshapen += [((), violation) for violation in error.violations]
            return None
        self.misshapen += [((), problem) for _, problem in schema.check(part, "part")]
        if not isinstance(part.root, dict):
            return None
        _move_paths(part, PurePosixPath(inner).parent)
        return part

    def _merge(self, part: Document, into: Document) -> None:
        """Put a part's entries below those of the document that includes it."""
        for group in _GROUPS:
            entries = part.root.get(group, {})
            own = into.root.setdefault(group, {})
            self._repeated(group, part, into)
            kept = dict(own)
            own.clear()
            own.update({**entries, **kept})
            for name in entries:
                if name not in kept:
                    into.included[group, name] = part

    def _repeated(self, group: str, part: Document, into: Document) -> None:
        """Find names that two files define; a file may override an included var."""
        for name in part.root.get(group, {}):
            is_own = (group, name) not in into.included
            if name in into.root[group] and not (group == "vars" and is_own):
                other = part.key_origin((group, name))
                message = f"{group.removesuffix('s')} '{name}' is defined in two files"
                origin = into.key_origin((group, name))
                self._wrong(origin, message, "rename one", other)

    def _wrong(self, origin: Origin, message: str, hint: str, *related: Origin) -> None:
        found = Violation(
            origin=origin, message=message, hint=hint, related=related, code="include"
        )
        self.misshapen.append(((), found))


def _move_paths(part: Document, folder: PurePosixPath) -> None:
    """Make the paths of an included file's references relative to the manifest."""
    for row, kind, place in _places(part):
        if "://" not in place and not PurePosixPath(place).is_absolute():
            row[kind] = normpath(folder / place)


def _places(part: Document) -> Iterator[tuple[dict[str, str], str, str]]:
    for row in part.root.get("references", {}).values():
        for kind in _MEDIA:
            if kind in row:
                yield row, kind, row[kind]
