"""Finds renames that lead nowhere: `moved` says which id an entry of the lock has now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seedrender.errors import Violation
from seedrender.source.document import Document
from seedrender.source.parse import did_you_mean, violation
from seedrender.values.job import Job
from seedrender.values.manifest import LongTake, Path


def wrong(
    document: Document, jobs: Sequence[Job], takes: Sequence[LongTake], *, is_whole: bool
) -> Iterator[Violation]:
    """Find renames of what is still there, to what is not there, and repeated ones."""
    rows = document.root.get("moved", ())
    if not rows or not is_whole:
        return
    known = dict.fromkeys([name for job in jobs for name in (job.id, job.shot)])
    known |= dict.fromkeys(take.id for take in takes)
    seen: dict[str, dict[str, int]] = {"from": {}, "to": {}}
    for number, row in enumerate(rows):
        for key, ids in seen.items():
            path: Path = ("moved", number, key)
            name = row[key]
            if name in ids:
                message = f"moved: '{name}' is the `{key}` of two renames"
                yield violation(document, path, message, "keep one of them")
            ids[name] = number
        if row["from"] in known:
            message = f"moved: '{row['from']}' is still a shot, chain or job"
            yield violation(
                document, ("moved", number, "from"), message, "give the id of before the rename"
            )
        if row["to"] not in known:
            message = f"moved: there is no shot, chain or job '{row['to']}'"
            hint = did_you_mean(row["to"], known)
            yield violation(document, ("moved", number, "to"), message, hint)
