"""Turns a plan and a lock into one self-contained HTML page."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import quote

from seedrender.errors import printable
from seedrender.lock import fold
from seedrender.lock.identity import SIMULATED
from seedrender.plan.cost import Estimate
from seedrender.plan.decision import Verdict
from seedrender.plan.make import JoinStep, Plan, Step
from seedrender.plan.outcome import summary
from seedrender.plan.paid import balance, said
from seedrender.values.entry import JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import Job, JobId
from seedrender.values.picture import form_of
from seedrender.values.signed_url import unsigned_in
from seedrender.values.task import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What a clip or picture on disk looks like: JPEGs."""

    poster: bytes
    strip: bytes = b""  # of a clip


def to_html(
    name: str, plan: Plan, lock: Lock, estimate: Estimate, pictures: Mapping[JobId, Pictures]
) -> str:
    """Write the page. `pictures` holds those of each clip that is on disk."""
    takes = "".join(_take(step, lock, pictures) for step in plan.joins)
    clips = "".join(_clip(step, lock, pictures) for step in plan.steps)
    long_takes = (
        f'<h2>Long takes</h2><section class="clips long">{takes}</section>' if takes else ""
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)} - seedrender</title><style>{_style()}</style></head><body>"
        f"<header><h1>{escape(name)}</h1>{_facts(plan, lock, estimate)}</header>"
        f'{long_takes}<h2>Clips</h2><section class="clips">{clips}</section>'
        "</body></html>\n"
    )


def escape(text: str) -> str:
    """Return a text as HTML shows it; what turns or hides text is shown as an escape."""
    return html.escape("\n".join(map(printable, text.split("\n"))))


def _style() -> str:
    return files("seedrender.plan").joinpath("report.css").read_text("utf-8")


def _facts(plan: Plan, lock: Lock, estimate: Estimate) -> str:
    records = [record for entry in lock.entries.values() for record in entry.tasks]
    found = balance(records)
    paid, unpriced = said(found.paid), found.unknown
    is_simulated = bool(records) and all(record.provider == SIMULATED for record in records)
    cost = paid or "nothing"
    if unpriced:
        cost += f" + {unpriced} unknown"
    seconds = sum(step.job.stated_duration_s or 0 for step in plan.steps)
    facts = {
        "Jobs": summary(plan),
        "Footage": f"{seconds} s" if seconds else "not said",
        "Spent" if not is_simulated else "Spent (simulated: free)": cost,
        "Still to buy": str(estimate),
        "Tasks": str(len(records)),
    }
    rows = "".join(f"<div><dt>{k}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    return f'<dl class="facts">{rows}</dl>'


def _clip(step: Step, lock: Lock, pictures: Mapping[JobId, Pictures]) -> str:
    job = step.job
    entry = lock.entries.get(job.id)
    output = entry.output if entry is not None else None
    details = [f"{job.model} {job.tier.value}, {step.job.mode_reason}"]
    task = fold.foremost(entry) if entry is not None else None
    if task is not None:
        details.append(_spent(task))
    if output is not None:
        details.append(_shape(output))
    details += _rights(job)
    if step.verdict is not Verdict.CURRENT:
        details.append(step.reason)
    return _article(job.id, step.verdict.value, job.prompt, details, output, pictures, entry)


def _rights(job: Job) -> list[str]:
    """Say who allowed the use of what the clip shows."""
    noted = {use.reference.name: use.reference.authorised_by for use in job.references}
    return [f"{name}: use allowed by {who}" for name, who in noted.items() if who]


def _take(step: JoinStep, lock: Lock, pictures: Mapping[JobId, Pictures]) -> str:
    entry = lock.entries.get(step.take.id)
    output = entry.output if entry is not None else None
    details = [f"joined from {', '.join(step.take.segments)}"]
    details.append(_shape(output) if output is not None else step.reason)
    return _article(step.take.id, step.verdict.value, "", details, output, pictures, entry)


def _is_shown_as_picture(output: Artifact) -> bool:
    return output.is_picture or form_of(output.path) == "gif"  # no player of films plays one


def _article(
    job: JobId,
    verdict: str,
    prompt: str,
    details: list[str],
    output: Artifact | None,
    pictures: Mapping[JobId, Pictures],
    entry: LockEntry | None,
) -> str:
    seen = pictures.get(job)
    if output is not None and seen is not None and _is_shown_as_picture(output):
        words = f'href="{quote(output.path)}"'
        film = f'<a {words}><img class="still" alt="" src="{_data(seen.poster)}"></a>'
    elif output is not None and seen is not None:
        source = f'src="{quote(output.path)}" poster="{_data(seen.poster)}"'
        film = f'<video controls preload="none" {source}></video>'
        film += f'<img alt="" src="{_data(seen.strip)}">'
    else:
        state = fold.job_state(entry).value if entry is not None else "not rendered yet"
        state = "its file cannot be shown" if verdict == Verdict.CURRENT else state
        film = f'<div class="none">{escape(state)}</div>'
    lines = "".join(f'<p class="small">{escape(line)}</p>' for line in details)
    words = f'<p class="prompt">{escape(unsigned_in(prompt))}</p>' if prompt else ""
    return (
        f'<article id="{escape(job)}">{film}<div class="text">'
        f'<span class="state {verdict}">{verdict}</span><h3>{escape(job)}</h3>{words}{lines}'
        "</div></article>"
    )


def _spent(record: TaskRecord) -> str:
    if record.task_id is None:
        is_refused = record.state is JobState.BLOCKED
        return "no task: nothing was paid" if is_refused else "no task is known"
    bill = record.bill
    cost = f"{bill.amount} ({bill.source})" if bill is not None else "cost not reported"
    if record.submitted_at is None or record.finished_at is None:
        return f"task {record.task_id}, {cost}"
    wall_s = (record.finished_at - record.submitted_at).total_seconds()
    return f"task {record.task_id}, {cost}, {wall_s:.0f} s from submit to end"


def _shape(output: Artifact) -> str:
    size = f"{output.size_bytes / 1000:.0f} kB"
    length = f"{output.duration_s:g} s, " if output.duration_s is not None else ""
    return f"{output.path}: {length}{output.width}x{output.height}, {size}"


def _data(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
