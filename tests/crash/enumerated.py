"""Resumes a run from every moment at which it could have died, and counts what that cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from seedrender.errors import LockError
from seedrender.run import store
from seedrender.run.project import Project
from tests.crash import oracle
from tests.crash.disk import Disk
from tests.crash.film import FAILING, WORLD, Film, started
from tests.crash.images import JOURNAL, Camera, Image, distinct, landed, look, torn
from tests.crash.oracle import Broken

SAFE = ("close", "unlink")  # operations that no test lets fail
_MOST_RUNS = 5  # until nothing is unknown
_SETTLED_S = 1000.0  # from when on a list without a task proves that there is none
_UNKNOWN, _FAILED = 6, 4


@dataclass(slots=True)
class Totals:
    """What was tried, and what was found."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)
    there_are: Counter[str] = field(default_factory=Counter)  # moments in a run that nobody stops
    seen: set[tuple[str, str]] = field(default_factory=set)  # states that were resumed

    def __str__(self) -> str:
        kinds = Counter({"paid twice": 0, "lost": 0, "unrecorded": 0, "stuck": 0})
        kinds.update(row.kind for row in self.broken)
        return ", ".join(
            f"{name}: {count}" for name, count in [*self.counts.items(), *kinds.items()]
        )


def moments(film: Film, loaded: Project) -> Counter[str]:
    """Run once as it is, count where it could be stopped, and put everything back."""
    start, counts = look(film, "start", {}), Counter[str]()

    def before(kind: str, path: Path) -> None:
        counts["disk operations"] += 1
        counts["operations that may fail"] += kind not in SAFE
        counts["journal writes"] += (kind, path.name) == ("write", JOURNAL)

    def step() -> None:
        counts["steps"] += 1
        counts["steps of the run"] += film.is_rendering

    film.keep_base()
    with Disk(film.folder, before=before):
        film.run(loaded, on_step=step)
    start.restore(film)
    return counts


def enumerate_crashes(folder: Path, route: str, shots: str, *, each_byte: int = 1) -> Totals:
    """Run once, and resume from every distinct image of it."""
    film, loaded = started(folder, route, shots)
    totals = Totals(there_are=moments(film, loaded))
    camera = Camera(film)
    camera.film_run(loaded)
    totals.counts = camera.counts
    totals.counts["images"] = len(camera.images)
    todo = {
        "killed": distinct(camera.images),
        "killed, sent": distinct(list(landed(camera.images))) if route != "sim" else [],
        "power lost": distinct(camera.lost_power) if route != "sim" else [],
        "torn": list(_torn(film, loaded, camera.images, each_byte, totals)),
    }
    for kind, images in todo.items():
        for image in images:
            if image.key not in totals.seen:
                totals.seen.add(image.key)
                totals.counts[kind] += 1
                image.restore(film)
                resume(film, loaded, totals, image.what)
    return totals


def _torn(
    film: Film, loaded: Project, images: list[Image], each_byte: int, totals: Totals
) -> list[Image]:
    """Cut every append to the journal at its bytes; return those cuts that are to be resumed."""
    resumed = []
    for before, behind in torn(images):
        old, new = before.client[JOURNAL], behind.client[JOURNAL]
        path = film.folder / JOURNAL
        before.restore(film)
        known = store.read(loaded.lock_path, loaded.path.name)
        totals.counts["journal writes"] += 1
        cuts = range(len(old) + 1, len(new), each_byte)
        for cut in cuts:
            path.write_bytes(new[:cut])
            totals.counts["cuts"] += 1
            is_whole_lines = b"\n" in new[len(old) : cut + 1]
            try:
                found = store.read(loaded.lock_path, loaded.path.name)
            except LockError as error:
                words = f"{before.what}: journal cut at byte {cut}: {error}"
                totals.broken.append(Broken("unreadable", words))
                break
            if not is_whole_lines and found != known:
                words = f"{before.what}: journal cut at byte {cut} is read otherwise"
                totals.broken.append(Broken("unreadable", words))
        for cut in {len(old) + 1, (len(old) + len(new)) // 2, len(new) - 1}:
            client = {**before.client, JOURNAL: new[:cut]}
            resumed.append(replace(before, what=f"{before.what}, torn at {cut}", client=client))
    return resumed


def resume_once(film: Film, loaded: Project, totals: Totals, what: str) -> None:
    """Resume what is on disk now, unless the same was resumed before."""
    image = look(film, what, {})
    if image.key not in totals.seen:
        totals.seen.add(image.key)
        totals.counts["resumed"] += 1
        resume(film, loaded, totals, what)


def resume(film: Film, loaded: Project, totals: Totals, what: str) -> None:
    """Run again until nothing is unknown; a person allows what nobody can tell."""
    resubmitted: list[str] = []
    again: list[str] = []
    for _ in range(_MOST_RUNS):
        ended = film.run(loaded, resubmit=again)
        totals.counts["runs"] += 1
        lock = loaded.read_lock()
        found = oracle.violations(ended.tasks, lock, film.folder, resubmitted)
        unknown = oracle.unknown(lock)
        wanted = _UNKNOWN if unknown else _expected(loaded)
        if ended.code != wanted:
            words = f"exit code {ended.code}, not {wanted}: {ended.words}"
            kind = "exit code after --resubmit" if again else "exit code"
            found.append(Broken(kind, words))
        if found or not unknown:
            break
        again = [] if film.can_tell else [str(job) for job in unknown]
        resubmitted += again
        film.wall += _SETTLED_S
    totals.counts["resubmitted"] += len(resubmitted)
    if not found:
        found = [
            *_unfinished(film, loaded),
            *oracle.lost(ended.tasks, lock, film.folder, film.folder / WORLD),
        ]
    totals.broken += [Broken(kind, f"{film.route}, {what}: {w}") for kind, w in found]


def _expected(loaded: Project) -> int:
    return _FAILED if any(job.id in FAILING for job in loaded.jobs) else 0


def _unfinished(film: Film, loaded: Project) -> Iterator[Broken]:
    """Find what should be on disk when all is done, and is not; and what should not."""
    wanted = [job.output for job in loaded.jobs if job.id not in FAILING]
    wanted += [take.output for take in loaded.takes]
    for name in wanted:
        if not (film.folder / name).is_file():
            yield Broken("missing", name)
    for path in film.folder.rglob("*"):
        if path.name.endswith((".part", ".journal")) and ".seedrender" not in str(path):
            yield Broken("left behind", str(path.relative_to(film.folder)))
    for path in (film.folder / WORLD.parts[0]).glob("uploads-*"):
        yield Broken("left behind", f"{path.name}: {path.read_text()}")
