"""Headers are any text at all; none of them costs an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.providers import rate

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ODD = (
    *("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "NaN", "-5", "٣", "1e9", "", str(10**400)),
    *("Mon, 99 Foo 2024", "Mon, 01 Jan 0001 00:00:00 -2359", "Mon, 31 Dec 9999 23:59:59 +0000"),
    *("Mon, 01 Jan 2024 00:00:00 +9999", "Mon, 01 Jan 2024 00:00:00 -0000", "5\n", "\udcff", " 5"),
    *("inf", "0x10", "5.", ".5", "1_0", "Monday, 01-Jan-24 00:00:00 GMT", "0", "999999999999"),
)
dates = st.builds(
    "{}, {:02} {} {} {:02}:{:02}:{:02} {}".format,
    st.sampled_from(("Mon", "Thursday", "Xxx")),
    st.integers(0, 99),
    st.sampled_from(("Jan", "Feb", "Foo")),
    st.integers(0, 10**20),
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from(("GMT", "UTC", "+0000", "-2400", "+9999", "CET", "")),
)
texts = st.text(max_size=40) | st.sampled_from(ODD) | dates
NAMES = ("Retry-After", "Date", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@given(st.dictionaries(st.sampled_from(NAMES), texts))
def test_any_headers_at_all_are_read(headers: dict[str, str]) -> None:
    window, wait = rate.window(headers), rate.retry_after_s(headers)

    assert wait is None or 0 <= wait <= 604_800
    assert window is None or (window.remaining >= 0 and 0 <= window.reset_in_s <= 604_800)
    assert isinstance(rate.ahead_s(headers.get("Date", ""), NOW), float | None)


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ("Mon, 30 Nov 2026 12:00:07 GMT", 7.0),
        ("Monday, 30-Nov-26 12:00:07 GMT", 7.0),
        ("Mon, 30 Nov 2026 11:00:00 GMT", 0.0),
        ("Mon, 30 Nov 2036 12:00:00 GMT", 604_800.0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("soon", None),
    ],
)
def test_a_date_to_come_back_at_is_taken_by_the_servers_clock(
    wait: str, seconds: float | None
) -> None:
    headers = {"Retry-After": wait, "Date": "Mon, 30 Nov 2026 12:00:00 GMT"}

    assert rate.retry_after_s(headers) == seconds
