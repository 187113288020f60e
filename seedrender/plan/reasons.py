"""Says in words why something is to be bought, or is left to a person."""

from __future__ import annotations

from seedrender.lock.identity import SIMULATED, Asked
from seedrender.plan.paid import is_free
from seedrender.values.entry import GIVEN_UP, Fingerprint, JobState, TaskRecord
from seedrender.values.job import JobId

ASKED_AGAIN = "each run asks once more"
_PARENTS = ("continues", "uses", "continues, uses")  # parts that name clips of other jobs


def changes(old: Fingerprint | None, new: Fingerprint) -> str:
    """Name the parts that differ."""
    if old is None or not old.parts:
        return "the old one is not kept"
    names = [n for n in {**old.parts, **new.parts} if old.parts.get(n) != new.parts.get(n)]
    return ", ".join(names) or "nothing but the version of the fingerprint"


def uncollected(job: JobId, record: TaskRecord, manifest: str) -> str:
    """Say what could not be had, and every way on; `manifest`: as a command names it."""
    by_hand = (
        f"`seedrender adopt {manifest} {job} --file CLIP` takes a clip that you fetched yourself"
    )
    ways = f"{ASKED_AGAIN}; {by_hand}; --resubmit {job} buys it again"
    if record.state is JobState.SUCCEEDED:
        return f"task {record.task_id} is paid and has ended; {record.error}: {ways}"
    right = f"if the id is wrong, `seedrender adopt {manifest} {job} --task ID` corrects it"
    return (
        f"task {record.task_id} is recorded as paid; {record.error}. Is this the key, and the "
        f"host, that it was bought with? {right}; {ways}"
    )


def changed(made_by: TaskRecord, wanted: Fingerprint, asked: Asked) -> str:
    """Say what makes a clip another one than is wanted."""
    if not wanted.is_of(made_by.fingerprint):
        found = changes(made_by.fingerprint, wanted)
        if found in _PARENTS:
            return f"it was made from another clip than is in place now: {found}"
        return f"its definition changed: {found}"
    if made_by.provider == SIMULATED and not asked.is_identity:
        return f"it is simulated footage, and {asked.route} is to render it"
    return f"it was rendered on {made_by.provider}, and route_in_identity asks for {asked.route}"


def how_it_ended(last: TaskRecord | None) -> str:
    """Say how a job's last task ended, of which there is no clip."""
    if last is None or last.state is JobState.PLANNED:
        return "never rendered"
    if last.task_id is None and (last.error or "").startswith(GIVEN_UP):
        return f"its last submit was {last.error}; it may be paid"
    words = {
        JobState.UNKNOWN: "has no known outcome",
        **dict.fromkeys((JobState.SUBMITTED, JobState.SUCCEEDED), "could not be had"),
        **{state: f"was {state.value}" for state in (JobState.BLOCKED, JobState.CANCELLED)},
    }
    ended = words.get(last.state, last.state.value)
    is_told = last.has_ended_in_vain and last.state is not JobState.BLOCKED
    cost = "; nothing was charged" if is_told and is_free(last) else ""
    return f"its last task {ended}: {last.error or 'no reason given'}{cost}"
