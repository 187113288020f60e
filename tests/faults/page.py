"""Writes the table of `seedrender/docs/faults.md`, as it is seen.

`make faults` writes it, a person reviews it, and `tests/faults/test_matrix.py` compares.
"""

from __future__ import annotations

from pathlib import Path

import seedrender
from tests.faults import seen
from tests.faults.cases import cases

PAGE = Path(seedrender.__file__).parent / "docs" / "faults.md"
HEAD = """\
| when | wire | fault | what the provider does | state | exit | what a person reads | money | the next `run` |
|---|---|---|---|---|---|---|---|---|
"""


def write() -> None:
    """Try every fault, and put what is seen in the place of the table."""
    before = PAGE.read_text("utf-8").partition("| when |")[0]
    PAGE.write_text(before + HEAD + "".join(f"{row}\n" for row in seen.rows(cases())), "utf-8")


if __name__ == "__main__":
    write()
