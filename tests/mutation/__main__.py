"""Plants faults in the code that decides, and says which of them no test finds."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutation import survivors
from tests.mutation.plot import PLOTS, Plot
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
    plots = [plot for plot in PLOTS if plot.has_any(given.modules)]
    if not given.report:
        for plot in plots:
            _run(plot, [f"seedrender.{m}.*" for m in plot.those_of(given.modules)], given.processes)
    explained = survivors.loads(_EXPLAINED.read_text("utf-8"))
    if given.again:
        for plot in plots:
            found = survivors.compare(_mutants([plot], given.modules), explained)
            if found.unexplained:
                _run(plot, [mutant.name for mutant in found.unexplained], given.processes)
    mutants = _mutants(plots, given.modules)
    wanted = [e for e in explained if not given.modules or e.module in given.modules]
    return _report(mutants, survivors.compare(mutants, wanted))


def _run(plot: Plot, names: Sequence[str], processes: str) -> None:
    plot.forget_reach()
    command = [str(_MUTMUT), "run", "--max-children", processes, *names]
    subprocess.run(command, cwd=plot.laid_out(), check=True)


def _mutants(plots: Sequence[Plot], modules: Sequence[str]) -> list[Mutant]:
    found = [mutant for plot in plots for mutant in survivors.read(plot.folder / "mutants")]
    return [mutant for mutant in found if not modules or mutant.module in modules]


def _report(mutants: list[Mutant], found: Survivors) -> int:
    for mutant in found.unexplained:
        _say(f"\n{mutant.where} ({mutant.fate}: {mutant.name})")
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
