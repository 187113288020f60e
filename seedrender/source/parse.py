"""Turns a document of the right shape into a manifest, and finds names that meet nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from seedrender.catalog.models import ROUTES
from seedrender.errors import Violation
from seedrender.source import template
from seedrender.source.document import Document
from seedrender.source.given import NOTHING, Given
from seedrender.source.names import closest
from seedrender.source.template import References, TemplateFailure
from seedrender.values.job import JobId, MediaKind, Reference
from seedrender.values.manifest import Manifest, Path, PollSchedule, RunSettings
from seedrender.values.money import Limit, limit

Routes = Callable[[], Collection[str]]

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_MANY = 12
_FIRST = 1000  # names to sort


def manifest(
    document: Document,
    problems: list[Violation],
    given: Given = NOTHING,
    route: str | None = None,
    plugins: Routes = tuple,
) -> Manifest:
    """Read a manifest; what is wrong with it is added to `problems`.

    A `route` goes before the manifest's own; `plugins` names those that are not built in, and is
    asked only where one may be meant.
    """
    root = document.root
    output = root.get("output", {})
    route = route or root.get("provider", "sim")
    if route not in ROUTES and route not in (others := plugins()):
        hint = did_you_mean(route, dict.fromkeys([*ROUTES, *others]))
        problems.append(violation(document, ("provider",), f"there is no route '{route}'", hint))
        route = "sim"
    is_whole = not problems
    problems += _name_clashes(document)
    unknown = (*_unknown_templates(document), *_wrong_bases(document))
    problems += unknown
    problems += _undeclared(document, given)
    if is_whole and not unknown:  # else its shot was taken out, or means it with a slip
        problems += _unused_templates(document)
    directory = output.get("dir", "renders")
    if wrong := _wrong_directory(directory):
        hint = "give a folder below the manifest's"
        problems.append(violation(document, ("output", "dir"), f"'{directory}' {wrong}", hint))
    return Manifest(
        name=root.get("name", ""),
        provider=route,
        vars=_vars(document, given, problems),
        given=given.places,
        moved={row["from"]: row["to"] for row in root.get("moved", ())},
        defaults=root.get("defaults", {}),
        profiles=root.get("profiles", {}),
        references=dict(_references(document, problems)),
        templates=root.get("templates", {}),
        shots=root.get("shots", {}),
        chains=root.get("chains", {}),
        output_dir=directory,
        output_name=output.get("name", "{{ job.id }}.mp4"),
        run=_run_settings(root.get("run", {})),
        route_in_identity=root.get("route_in_identity", False),
    )


def violation(
    document: Document, path: Path, message: str, hint: str | None, *, code: str = "name"
) -> Violation:
    """Make a violation at a value's place."""
    return Violation(origin=document.origin(path), message=message, hint=hint, code=code, path=path)


def did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    """Suggest the closest of the names there are."""
    close = closest(name, known)
    if close is not None:
        return f"did you mean '{close}'?"
    if not known:
        return "none is defined"
    more = " …" if len(known) > _MANY else ""
    return f"there are: {', '.join(sorted(islice(known, _FIRST))[:_MANY])}{more}"


def _undeclared(document: Document, given: Given) -> Iterator[Violation]:
    """Find values of flags that no var of the manifest takes; a template may take any."""
    declared = document.root.get("vars", {})
    if document.lines:
        return
    for name, (_, origin) in given.places.items():
        if name not in declared:
            message = f"the manifest has no var '{name}'"
            hint = did_you_mean(name, declared)
            yield Violation(origin=origin, message=message, hint=hint, code="name")


def _vars(document: Document, given: Given, problems: list[Violation]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    known = {
        "name": document.root.get("name", ""),
        "ref": References(document.root.get("references", {})),
    }
    for name, value in (document.root.get("vars", {}) | given.values).items():
        try:
            found[name] = template.render(value, {**known, "vars": found})
        except TemplateFailure as failure:
            what = f"var {name}: {failure}"
            problems.append(violation(document, ("vars", name), what, failure.hint))
            found[name] = ""
    return found


def _references(document: Document, problems: list[Violation]) -> Iterator[tuple[str, Reference]]:
    for name, row in document.root.get("references", {}).items():
        path: Path = ("references", name)
        authorised_by = row.get("rights", {}).get("authorised_by")
        kinds = [key for key in ("image", "video", "audio", "asset", "shot") if key in row]
        if len(kinds) != 1:
            message = f"reference {name} has {len(kinds)} of image, video, audio, asset and shot"
            problems.append(violation(document, path, message, "give exactly one"))
        elif kinds == ["shot"]:
            made = Reference(
                name=name,
                kind=MediaKind.IMAGE,  # until its shot's model is known
                shot=JobId(row["shot"]),
                authorised_by=authorised_by,
            )
            yield name, made
            continue
        elif kinds == ["asset"]:
            if "kind" not in row:
                message = f"reference {name} is an asset of no kind"
                hint = "add kind: image, video or audio"
                problems.append(violation(document, path, message, hint))
            kind = MediaKind(row.get("kind", "image"))
            asset = row["asset"].removeprefix("asset://")
            yield name, Reference(name=name, kind=kind, asset=asset, authorised_by=authorised_by)
            continue
        kind_name = kinds[0] if kinds and kinds[0] in list(MediaKind) else "image"
        place = row.get(kind_name, "")
        problems += _wrong_place(document, (*path, kind_name), name, place)
        is_url = "://" in place
        yield (
            name,
            Reference(
                name=name,
                kind=MediaKind(kind_name),
                path=None if is_url else PurePosixPath(place).as_posix(),
                url=place if is_url else None,
                authorised_by=authorised_by,
            ),
        )


def _wrong_place(document: Document, path: Path, name: str, place: str) -> Iterator[Violation]:
    if "://" in place:
        try:
            split = urlsplit(place)
        except ValueError as error:
            yield violation(document, path, f"reference {name} is not a URL: {error}", "correct it")
            return
        if split.scheme != "https" or not split.hostname:
            message = f"reference {name} is not an https URL"
            yield violation(document, path, message, "providers fetch https only")
        elif split.username or split.password:
            message = f"reference {name} carries a password in its URL"
            yield violation(document, path, message, "manifests are checked in: take it out")
    elif PurePosixPath(place).is_absolute() or "\0" in place:
        message = f"reference {name} is an absolute path"
        yield violation(document, path, message, "give it relative to the manifest")


def _name_clashes(document: Document) -> Iterator[Violation]:
    shots = document.root.get("shots", {})
    for name in document.root.get("chains", {}):
        if name in shots:
            origin = document.key_origin(("chains", name))
            message = f"'{name}' is a shot and a chain"
            yield Violation(origin=origin, message=message, hint="rename one", code="name")


def _unknown_templates(document: Document) -> Iterator[Violation]:
    templates = document.root.get("templates", {})
    for name, row in document.root.get("shots", {}).items():
        used = row.get("template")
        if used is not None and used not in templates:
            message = f"shot {name} uses template '{used}', which is not defined"
            path: Path = ("shots", name, "template")
            yield violation(document, path, message, did_you_mean(used, templates))


def _wrong_bases(document: Document) -> Iterator[Violation]:
    """Find templates that extend what is not there, or each other."""
    templates = document.root.get("templates", {})
    bases = {name: row.get("extends") for name, row in templates.items()}
    for name, base in bases.items():
        path: Path = ("templates", name, "extends")
        if base is not None and base not in templates:
            message = f"template {name} extends '{base}', which is not defined"
            yield violation(document, path, message, did_you_mean(base, templates))
        trail, below = [name], base
        while below is not None and below in bases and below not in trail:
            trail.append(below)
            below = bases[below]
        if below == name and name == min(trail):  # a loop is said once
            message = f"templates extend each other: {' → '.join([*trail, name])}"
            yield violation(document, path, message, "take one `extends` out")


def _unused_templates(document: Document) -> Iterator[Violation]:
    templates = document.root.get("templates", {})
    used = {row.get("template") for row in document.root.get("shots", {}).values()}
    left = list(used)
    while left:
        base = templates.get(left.pop(), {}).get("extends")
        if base is not None and base not in used:
            used.add(base)
            left.append(base)
    for name in templates:
        if name not in used and ("templates", name) not in document.included:
            origin = document.key_origin(("templates", name))
            message = f"no shot uses template {name}"
            hint = "use it, or take it out"
            yield Violation(origin=origin, message=message, hint=hint, code="name")


def _run_settings(row: Mapping[str, Any]) -> RunSettings:
    poll = row.get("poll", {})
    schedule = {f"{key}_s": seconds(value) for key, value in poll.items() if key != "jitter"}
    if "jitter" in poll:
        schedule["jitter"] = float(poll["jitter"])
    budget = row.get("budget", [])
    return RunSettings(
        concurrency=row.get("concurrency"),
        requests_per_minute=row.get("requests_per_minute"),
        budget=tuple(_limits(budget)),
        deadline_s=seconds(row["deadline"]) if "deadline" in row else None,
        poll=PollSchedule(**schedule),
    )


def duration_s(text: str) -> float | None:
    """Read a time such as 90s, 15m or 2h; None: it is none."""
    found = _DURATION.fullmatch(text)
    return float(found[1]) * _SECONDS[found[2]] if found is not None else None


def seconds(text: str) -> float:
    """Read a time of which the schema knows that it is one."""
    return float(text[:-1]) * _SECONDS[text[-1]]


def _limits(written: str | Sequence[str]) -> Iterator[Limit]:
    for text in [written] if isinstance(written, str) else written:
        found = limit(text)
        assert found is not None, "the schema has the same pattern"
        yield found


def _wrong_directory(directory: str) -> str:
    path = PurePosixPath(directory)
    if path.is_absolute() or ".." in path.parts:
        return "is outside"
    if any(part.startswith(".") for part in path.parts):
        return "has a part that starts with a dot"
    if template.is_template(directory):
        return "is an expression: those belong into `name`"
    if "\\" in directory or not directory.isprintable():
        return "has a character that file systems refuse"
    return ""
