from __future__ import annotations

import pytest

from seedrender.providers import ranges
from seedrender.values.provider import Received, Version

DATE = "Mon, 23 Nov 2026 10:00:00 GMT"
LATER = "Mon, 23 Nov 2026 10:00:09 GMT"
KNOWN = Received(size_bytes=40, version=Version(validator='"v1"', total_bytes=100))
PROOF = {"ETag": '"v1"', "Content-Range": "bytes 40-99/100"}


@pytest.mark.parametrize(
    ("headers", "total", "validator"),
    [
        pytest.param({"ETag": '"v1"'}, 100, '"v1"', id="a strong tag"),
        pytest.param({"ETag": '"v1"', "Last-Modified": DATE, "Date": LATER}, 9, '"v1"', id="both"),
        pytest.param({"Last-Modified": DATE, "Date": LATER}, 100, DATE, id="a date"),
        pytest.param({"Last-Modified": DATE, "Date": DATE}, 100, None, id="changed just now"),
        pytest.param({"Last-Modified": LATER, "Date": DATE}, 100, None, id="in the future"),
        pytest.param({"Last-Modified": DATE}, 100, None, id="no date to compare with"),
        pytest.param({"Last-Modified": "yesterday", "Date": LATER}, 100, None, id="no date"),
        pytest.param({"Last-Modified": DATE[:-4], "Date": LATER}, 100, None, id="no zone"),
        pytest.param({"Last-Modified": "9" * 4000, "Date": LATER}, 100, None, id="long"),
        pytest.param(
            {"ETag": 'W/"v1"', "Last-Modified": DATE, "Date": LATER}, 100, None, id="weak"
        ),
        pytest.param({"ETag": "v1"}, 100, None, id="no quotes"),
        pytest.param({"ETag": '"v\r\nX: y"'}, 100, None, id="a header in it"),
        pytest.param({"ETag": '"' + "v" * 300 + '"'}, 100, None, id="a long tag"),
        pytest.param({"ETag": '"v1"', "Accept-Ranges": "none"}, 100, None, id="no ranges"),
        pytest.param({"ETag": '"v1"'}, None, None, id="no length"),
        pytest.param({}, 100, None, id="nothing"),
    ],
)
def test_only_what_names_one_version_for_certain_does(
    headers: dict[str, str], total: int | None, validator: str | None
) -> None:
    found = ranges.version(headers, total)

    assert (found.validator if found is not None else None) == validator


@pytest.mark.parametrize("size", [0, 100, 101])
def test_nothing_is_asked_for_where_nothing_is_there_or_nothing_is_missing(size: int) -> None:
    assert ranges.asking(Received(size_bytes=size, version=KNOWN.version)) == {}
    assert ranges.asking(Received(size_bytes=40)) == {}


def test_the_rest_is_asked_for_under_the_condition_that_it_is_the_same() -> None:
    assert ranges.asking(KNOWN) == {"Range": "bytes=40-", "If-Range": '"v1"'}


def test_an_answer_that_says_all_of_it_is_the_rest() -> None:
    assert ranges.proven_end(PROOF, 60, KNOWN, "") == 100
    assert ranges.proven_end(PROOF, None, KNOWN, "") == 100
    assert ranges.proven_end({**PROOF, "Content-Range": "bytes 40-59/100"}, 20, KNOWN, "") == 60


@pytest.mark.parametrize(
    ("changed", "length", "encoding"),
    [
        pytest.param({"ETag": '"v2"'}, 60, "", id="another version"),
        pytest.param({"ETag": ""}, 60, "", id="no version"),
        pytest.param({"ETag": 'W/"v1"'}, 60, "", id="a weak one"),
        pytest.param({"Content-Range": "bytes 41-99/100"}, 59, "", id="too late"),
        pytest.param({"Content-Range": "bytes 0-99/100"}, 100, "", id="from the start"),
        pytest.param({"Content-Range": "bytes 40-99/101"}, 60, "", id="another total"),
        pytest.param({"Content-Range": "bytes 40-99/*"}, 60, "", id="no total"),
        pytest.param({"Content-Range": "bytes 40-100/100"}, 61, "", id="behind the end"),
        pytest.param({"Content-Range": "bytes 40-39/100"}, 0, "", id="backwards"),
        pytest.param({"Content-Range": ""}, 60, "", id="no range"),
        pytest.param({"Content-Range": "bytes 40-99/100, x"}, 60, "", id="more than a range"),
        pytest.param({}, 59, "", id="another length"),
        pytest.param({}, 60, "gzip", id="encoded"),
    ],
)
def test_an_answer_that_leaves_a_doubt_is_not(
    changed: dict[str, str], length: int | None, encoding: str
) -> None:
    assert ranges.proven_end({**PROOF, **changed}, length, KNOWN, encoding) is None
    assert ranges.proven_end(PROOF, 60, Received(size_bytes=40), "") is None
