"""`seedrender verify`: are the clips on disk those of the lockfile?"""

from __future__ import annotations

from pathlib import Path

import click

from seedrender.cli.console import (
    echo,
    json_option,
    manifest_argument,
    outside_option,
    say_json,
    table,
)
from seedrender.plan.outcome import Exit
from seedrender.project.ownership import lock_path
from seedrender.run import store
from seedrender.run.verify import verify


@click.command("verify")
@manifest_argument
@outside_option
@json_option
def command(manifest: Path, *, outside: tuple[Path, ...], is_json: bool) -> int:
    """Compare every clip of MANIFEST with its lockfile: size, sha256, container.

    Exit code 4 where one differs: the next run downloads it again while the provider keeps it, and
    buys nothing for it by itself.
    """
    lock = store.read(lock_path(manifest), manifest.name)
    found = list(verify(lock, manifest.parent, outside))
    wrong = [finding for finding in found if finding.wrong]
    code = Exit.FAILED if wrong else Exit.DONE
    if is_json:
        rows = [{"job": f.job, "path": f.path, "wrong": f.wrong or None} for f in found]
        say_json({"exit_code": int(code), "clips": rows})
    elif wrong:
        echo(table(("job", "clip", "wrong"), [(f.job, f.path, f.wrong) for f in wrong]))
        echo(f"\n{len(wrong)} of {len(found)} clips differ from the lockfile.")
    elif not found:
        echo(f"There is no clip to compare: {lock_path(manifest)} names none yet.")
    else:
        echo(f"{len(found)} clips are as {lock_path(manifest)} says.")
    return code
