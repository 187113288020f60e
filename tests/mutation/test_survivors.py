from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mutation import survivors
from tests.mutation.survivors import Change, Mutant

WIDER = Change("lock.fold.join", "a < b", "a <= b")
OTHER = Change("lock.fold.join", "a < b", "a > b")


def mutant(change: Change, fate: str) -> Mutant:
    return Mutant(change.where, change.was, change.now, "m", fate)


def test_a_survivor_is_explained_or_not() -> None:
    alive = [mutant(change, "survived") for change in (WIDER, OTHER)]

    found = survivors.compare([*alive, mutant(OTHER, "killed")], [WIDER])

    assert (found.explained, found.unexplained, found.gone) == ([alive[0]], [alive[1]], [])


@pytest.mark.parametrize("mutants", [[], [mutant(WIDER, "killed")]])
def test_an_explanation_of_what_does_not_survive_is_told(mutants: list[Mutant]) -> None:
    assert survivors.compare(mutants, [WIDER]).gone == [WIDER]


def test_explanations_come_in_groups_of_one_reason() -> None:
    text = '[[survivors]]\nwhy = "it is"\nmutants = [["lock.fold.join", "a < b", "a <= b"]]\n'

    assert survivors.loads(text) == [WIDER]
    with pytest.raises(AssertionError):
        survivors.loads(text.replace("it is", " "))


def test_what_mutmut_wrote_is_read_with_the_fate_of_each_fault(tmp_path: Path) -> None:
    path = tmp_path / "fold.py"
    rows = [
        *("def x_join__mutmut_orig(a, b):", "    return a < b", ""),
        *("def x_join__mutmut_1(a, b):", "    return a <= b", ""),
        *("    def xǁLotsǁjoin__mutmut_orig(a):", "        return 1", ""),
        *("    def xǁLotsǁjoin__mutmut_1(a):", "        return 2", ""),
    ]
    stems = ("x_join", "xǁLotsǁjoin")
    names = [f"{stem}__mutmut_{end}" for stem in stems for end in ("orig", "1")]
    spans = {name: [3 * n + 1, 3 * n + 2] for n, name in enumerate(names)}
    fates = {"seedrender.lock.fold.x_join__mutmut_1": 0}
    fates["seedrender.lock.fold.xǁLotsǁjoin__mutmut_1"] = 1
    path.write_text("\n".join(rows), "utf-8")
    (tmp_path / "fold.py.spans").write_text(json.dumps({"spans": spans}), "utf-8")
    (tmp_path / "fold.py.meta").write_text(json.dumps({"exit_code_by_key": fates}), "utf-8")

    one, other = survivors.read(tmp_path)

    assert one.change == Change("lock.fold.join", "return a < b", "return a <= b")
    assert other.change == Change("lock.fold.Lots.join", "return 1", "return 2")
    assert (one.fate, other.fate, other.module) == ("survived", "killed", "lock.fold")
    assert list(survivors.table([one, other], survivors.compare([one, other], []))) == [
        "                       planted      killed   explained unexplained",
        "lock.fold                    2           1           0           1",
        "all                          2           1           0           1",
    ]
