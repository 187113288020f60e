from __future__ import annotations

import pytest

from seedrender.errors import Origin
from seedrender.values.job import Place
from tests.builders import job


def test_a_length_that_the_model_chooses_was_stated_by_nobody() -> None:
    lengths = [job(duration_s=length).stated_duration_s for length in (None, -1, 5)]

    assert lengths == [None, None, 5]


def test_a_field_is_where_it_was_written_or_on_the_line_of_its_job() -> None:
    written = Origin("film.yaml", 9, 5)
    found = job(places={"prompt": Place(written, ("shots", "spin", "prompt"))})

    assert (found.origin_of("prompt"), found.origin_of("seed")) == (written, found.origin)
    assert (found.path_of("prompt"), found.path_of("seed")) == (("shots", "spin", "prompt"), ())


@pytest.mark.parametrize("name", ["prompt", "anything"])
def test_where_a_job_was_written_does_not_make_it_another(name: str) -> None:
    assert job() == job(places={name: Place(Origin("x.yaml", 1, 1), ())})
