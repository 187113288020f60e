from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from seedrender.values.signed_url import (
    COMPANIONS,
    TABLE,
    expires_at,
    holds_signed,
    is_signed,
    name_of,
    unsigned,
    unsigned_in,
)

END = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
EPOCH = int(END.timestamp())
NAMES = sorted({name for names in TABLE.values() for name in names})
PLACE = "https://cdn.example/a.png"


def jwt(payload: str) -> str:
    head, body = (base64.urlsafe_b64encode(t.encode()) for t in ('{"alg":"none"}', payload))
    return f"{head.decode().rstrip('=')}.{body.decode().rstrip('=')}.c2ln"


def policy(text: str) -> str:
    encoded = base64.b64encode(text.encode()).decode()
    return encoded.translate(str.maketrans("+=/", "-_~"))


values = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
secrets = st.text("abcdefghijklmnop", min_size=8, max_size=20)


@st.composite
def names(draw: st.DrawFn) -> str:
    """Draw a name of the table, in any spelling, or one with what it belongs to."""
    name = draw(st.sampled_from(NAMES))
    filled = name.replace("*", draw(st.sampled_from(["date", "x", "meta_y"])))
    if draw(st.booleans()):
        filled = filled.replace("-", "_")
    return draw(st.sampled_from([filled, filled.upper(), filled.title(), f"__{filled}__"]))


pairs = st.lists(st.tuples(values, values), max_size=4)


def lasting(found: list[tuple[str, str]]) -> bool:
    """Say whether none of these parameters opens anything."""
    return not is_signed(f"{PLACE}?{urlencode(found)}")


@given(names(), values, values, pairs)
def test_a_signing_parameter_may_have_any_value(
    name: str, old: str, new: str, others: list[tuple[str, str]]
) -> None:
    urls = [f"{PLACE}?{urlencode([*others, (name, value)])}" for value in (old, new)]

    assert all(map(is_signed, urls))
    assert unsigned(urls[0]) == unsigned(urls[1])


@given(names(), secrets, pairs)
def test_a_signing_parameter_leaves_no_trace(
    name: str, secret: str, others: list[tuple[str, str]]
) -> None:
    assume(lasting(others) and not any(name_of(n.encode()) in COMPANIONS for n, _ in others))

    found = unsigned(f"{PLACE}?{urlencode([*others, (name, secret)])}")

    assert found == unsigned(f"{PLACE}?{urlencode(others)}")
    assert secret not in found


@given(pairs, pairs)
def test_other_parameters_count(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    one, other = ([pair for pair in found if any(pair)] for found in (one, other))
    assume(lasting(one) and lasting(other))
    # sixteen digits of a hash alone are what stands for a query
    assume(not any(re.fullmatch("[0-9a-f]{16}", name) for name, _ in (*one, *other)))

    urls = [f"{PLACE}?{urlencode(found)}" for found in (one, other)]

    assert (unsigned(urls[0]) == unsigned(urls[1])) is (sorted(one) == sorted(other))


@given(pairs.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_order_and_encoding_of_parameters_do_not_count(
    orders: tuple[list[tuple[str, str]], list[tuple[str, str]]],
) -> None:
    found, shuffled = orders
    every_byte = "&".join(
        "=".join("".join(f"%{byte:02x}" for byte in text.encode()) for text in pair)
        for pair in shuffled
    )
    spaces = "&".join("=".join(quote(text, safe="") for text in pair) for pair in shuffled)

    wanted = unsigned(f"{PLACE}?{urlencode(found)}")

    assert unsigned(f"{PLACE}?{every_byte}") == wanted
    assert unsigned(f"{PLACE}?{spaces}") == wanted


def test_bytes_that_are_no_text_count() -> None:
    assert len({unsigned(f"{PLACE}?id=%{byte}") for byte in ("FE", "FF", "EF%BF%BD")}) == 3


@given(st.text() | st.text("ab:/?#[]@!&=%+.;").map(lambda tail: f"https://{tail}"))
@example("https://[::1?token=x")
@example("//a@b//c?d")
@example("https://h/a?\udcff=\ud800")
def test_what_is_unsigned_stays_as_it_is(text: str) -> None:
    found = unsigned(text)

    assert unsigned(found) == found
    assert not is_signed(found)
    assert expires_at(text) is None or is_signed(text)


@given(values.filter(bool), secrets)
def test_no_value_of_a_query_is_shown(name: str, secret: str) -> None:
    assert secret not in unsigned(f"{PLACE}?{urlencode([(name, secret)])}")


@given(values, secrets)
def test_a_token_is_known_by_its_value_whatever_its_name(name: str, subject: str) -> None:
    urls = [f"{PLACE}?{urlencode([(name, jwt(text))])}" for text in (subject, "another")]

    assert [unsigned(url) for url in urls] == [PLACE, PLACE]


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        pytest.param("https://h/a.png", "https://h/a.png", id="as it is"),
        pytest.param("https://u:p@h/a.png", "https://h/a.png", id="no password"),
        pytest.param("https://h/a?X-Amz-Signature=s&Expires=1", "https://h/a", id="no signature"),
        pytest.param("https://h/a.png#x", "https://h/a.png", id="no fragment"),
        pytest.param("https://h/a?id=7", "https://h/a?f422c82d6db73d91", id="a query, as a digest"),
        pytest.param("https://h/a?sig=s&id=7", "https://h/a?f422c82d6db73d91", id="what is left"),
        pytest.param("https://[u:p@h?token=x", "https://h", id="no URL"),
        pytest.param("https://h/a?e=1&token=x", "https://h/a", id="what belongs to a token"),
    ],
)
def test_a_url_is_known_without_its_secrets(url: str, identity: str) -> None:
    assert unsigned(url) == identity


def test_what_belongs_to_a_signature_counts_where_there_is_none() -> None:
    assert unsigned("https://h/a?e=1") != unsigned("https://h/a?e=2")
    assert unsigned("https://h/a?e=1&token=x") == unsigned("https://h/a?e=2&token=y")


@pytest.mark.parametrize("url", ["https://h/a?token=", "https://h/a?b=1&sig=s", "https://u@h/a"])
def test_a_url_that_opens_something_is_signed_even_where_the_value_is_empty(url: str) -> None:
    assert is_signed(url)


@pytest.mark.parametrize(
    "text", ["https://h.example/a.png?v=2", "mira@example.org", "why?", "http://[", "a = b & c"]
)
def test_what_looks_a_little_like_one_is_none(text: str) -> None:
    assert not is_signed(text)
    assert not holds_signed(text)
    assert unsigned_in(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "(https://h/a?sig=planted).",
        "见https://me:planted@h/a 吧",
        "one https://h/b?v=1, two 'https://h/a?X-Tos-Signature=planted'",
    ],
)
def test_a_text_is_shown_without_what_its_urls_open(text: str) -> None:
    shown = unsigned_in(text)

    assert holds_signed(text)
    assert not holds_signed(shown)
    assert "planted" not in shown
    assert "v=1" in shown or "v=1" not in text


DAY = "20261125T120000Z"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(f"X-Amz-Date={DAY}&X-Amz-Expires=7200&X-Amz-Signature=x", id="s3"),
        pytest.param(f"x-goog-date={DAY}&x-goog-expires=7200", id="google"),
        pytest.param(f"X-Tos-Date={DAY}&X-Tos-Expires=7200", id="tos"),
        pytest.param(f"Expires={EPOCH}&Signature=x", id="seconds"),
        pytest.param("se=2026-11-25T14%3A00%3A00Z&sig=x", id="azure"),
        pytest.param("se=2026-11-25T16%3A00%3A00%2B02%3A00&sig=x", id="azure, elsewhere"),
        pytest.param("se=2026-11-25T14%3A00&sig=x", id="azure, bare"),
        pytest.param(f"q-sign-time=1;{EPOCH}&q-signature=x", id="cos"),
        pytest.param(f"e={EPOCH}&token=x", id="qiniu"),
        pytest.param(f"__token__=st=1~exp={EPOCH}~acl=/*~hmac=x", id="akamai"),
        pytest.param(f"hdnts=exp={EPOCH}", id="akamai, short"),
        pytest.param(f"x-expires={EPOCH}&x-signature=x", id="volcengine"),
        pytest.param(urlencode({"t": jwt(f'{{"iat":1,"exp":{EPOCH}}}')}), id="a web token"),
        pytest.param(
            urlencode({"Policy": policy(f'{{"DateLessThan":{{"AWS:EpochTime":{EPOCH}}}}}')}),
            id="cloudfront",
        ),
        pytest.param(f"Expires={EPOCH}&X-Amz-Date={DAY}&X-Amz-Expires=9999", id="the earliest"),
    ],
)
def test_a_signed_link_says_how_long_it_holds(query: str) -> None:
    assert expires_at(f"{PLACE}?{query}") == END


@pytest.mark.parametrize(
    "query",
    [
        "",
        "v=3",
        f"e={EPOCH}",
        "X-Amz-Date=today&X-Amz-Expires=1",
        f"X-Amz-Date={DAY}&X-Amz-Expires=9" + "9" * 30,
        "X-Amz-Date=20261399T120000Z&X-Amz-Expires=1",
        "X-Amz-Date=99991231T235959Z&X-Amz-Expires=1",
        "expires=never",
        "expires=0",
        "expires=9999999999",
        "expires=١٢",
        "se=soon&sig=x",
        "se=0001-01-01T00%3A00%3A00%2B14%3A00&sig=x",
        "Policy=*",
        "Policy=abcde",
        urlencode({"t": jwt('{"exp":"never"}')}),
    ],
)
def test_what_says_nothing_holds_as_far_as_we_know(query: str) -> None:
    assert expires_at(f"{PLACE}?{query}") is None


def test_what_is_no_url_does_not_say_either() -> None:
    assert expires_at("https://[::1?expires=1") is None


@given(st.text(), st.sampled_from(["Expires", "se", "Policy", "token", "x-amz-date", "hdnts"]))
def test_whatever_a_link_says_it_is_read(value: str, name: str) -> None:
    found = expires_at(f"{PLACE}?sig=x&x-amz-expires=60&{name}={quote(value, errors='replace')}")

    assert found is None or found.utcoffset() == timedelta(0)


def test_a_long_link_is_read_as_fast_as_it_is_long() -> None:
    long = f"{PLACE}?" + "eyJ" * 100_000 + "=" + "token" * 50_000

    assert urlsplit(unsigned(long)).path == "/a.png"
