"""Plants faults in the code that decides, and says which of them no test finds."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.mutation import survivors
from tests.mutation.survivors import Mutant, Survivors

_MUTMUT = Path(sys.executable).parent / "mutmut"
_EXPLAINED = Path(__file__).with_name("survivors.toml")


def main() -> int:
    """Run what has not been run yet; 1 where a fault is found by nobody and explained by nobody."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="as lock.fold; none: all of them")
    parser.add_argument("--processes", default="2", help="that run at once")
    parser.add_argument("--again", action="store_true", help="try once more what survived")
    parser.add_argument("--report", action="store_true", help="run nothing")
    given = parser.parse_args()
    if not given.report:
        _run([f"seedrender.{module}.*" for module in given.modules], given.processes)
    explained = survivors.loads(_EXPLAINED.read_text("utf-8"))
    if given.again:
        found = survivors.compare(survivors.read(Path("mutants")), explained)
        names = [mutant.name for mutant in found.unexplained if _is_asked(mutant, given.modules)]
        _run(names, given.processes)
    mutants = [m for m in survivors.read(Path("mutants")) if _is_asked(m, given.modules)]
    wanted = [e for e in explained if not given.modules or e.module in given.modules]
    return _report(mutants, survivors.compare(mutants, wanted))


def _run(names: list[str], processes: str) -> None:
    command = [str(_MUTMUT), "run", "--max-children", processes, *names]
    subprocess.run(command, check=True)


def _is_asked(mutant: Mutant, modules: list[str]) -> bool:
    return not modules or mutant.module in modules


def _report(mutants: list[Mutant], found: Survivors) -> int:
    for mutant in found.unexplained:
        _say(f"\n{mutant.where} ({mutant.fate}; mutmut show {mutant.name})")
        _say(f"- {mutant.was}\n+ {mutant.now}")
    for gone in found.gone:
        _say(f"\nExplained, and no survivor: {gone.where}\n- {gone.was}\n+ {gone.now}")
    _say("")
    for row in survivors.table(mutants, found):
        _say(row)
    return 1 if found.unexplained or found.gone else 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main())
