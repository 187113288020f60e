from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.providers import messages
from tests.providers.hostile import json_values

WORDS = "Insufficient balance, please top up"


@pytest.mark.parametrize(
    "body",
    [
        {"message": WORDS},
        {"code": 402, "message": WORDS, "data": None},
        {"msg": WORDS},
        {"detail": WORDS},
        {"detail": [{"loc": ["body"], "msg": WORDS}]},
        {"error": WORDS},
        {"error": {"code": "NoCredit", "message": WORDS}},
        {"error": {"code": 402, "message": WORDS}},
        {"errors": [{"title": WORDS}]},
        {"message": "success", "data": {"message": WORDS}},
        {"code": 500, "message": "ok", "data": {"error": {"detail": WORDS}}},
        WORDS,
        f" {WORDS}\n",
        [WORDS],
        [{"error": WORDS}],
        f"<html><head><style>a {{}}</style><title>{WORDS}</title></head></html>",
        {"hint": WORDS},
    ],
)
def test_the_words_are_found_whatever_the_shape(body: Any) -> None:
    assert WORDS in messages.message(body)


@pytest.mark.parametrize("body", [None, {}, [], "", {"error": None}, {"error": {}}, 0, False])
def test_an_answer_without_words_has_none(body: Any) -> None:
    assert messages.message(body) == ""


def test_a_page_that_says_little_is_shown_by_its_text() -> None:
    assert messages.message("<html><body>OK</body></html>") == "OK"
    assert messages.message({"message": "OK"}) == "OK"


def test_the_first_word_is_of_the_error_and_has_its_code() -> None:
    body = {"message": "Bad request", "error": {"code": "X.Y", "message": "too long"}}

    assert messages.message(body) == "X.Y: too long; Bad request"


def test_an_answer_without_words_is_shown_itself() -> None:
    assert messages.message({"data": {"task": 7}}) == '{"data": {"task": 7}}'


OPENERS = (
    "no https://me:s3cret@b.example/x.mp4",
    "no tos://b/x?X-Tos-Signature=s3cret",
    "no wss://me:s3cret@b.example/x?y",
    "no b.s3.amazonaws.com/x.mp4?X-Amz-Signature=s3cret",
    "GET /x.mp4?X-Tos-Signature=s3cret 403",
    r'{"url":"https:\/\/host\/x?X-Amz-Signature=s3cret"}',
    r'{"url":"https:\/\/me:s3cret@host\/x"}',
    "https%3A%2F%2Fhost%2Fx%3FX-Amz-Signature%3Ds3cret%26a",
    "/x.mp4;sig=s3cret",
    "https:/me:s3cret@b.example/a.png is not there",
    "//me:s3cret@b.example/a.png is not there",
    r"https\u003a//host/x?a\u003d1\u0026sig\u003ds3cret",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTSUd.s3cret",
    "https://file.example/x.mp4;sig=s3cret",
    "url:https://file.example/x.mp4#X-Amz-Signature=s3cret",
    "Authorization: Basic s3cret",
    "https://host/x#X-Amz-Signature=s3cret",
    '"X-Tos-Security-Token": "s3cret-of-sixteen-and-more"',
)


@given(json_values)
def test_words_are_bounded_and_can_be_printed(body: Any) -> None:
    for text in (messages.message(body), messages.said(body), messages.shown(body)):
        assert len(text) <= 500
        assert text.isprintable()


@given(st.text())
def test_an_excerpt_can_be_printed(text: str) -> None:
    assert messages.excerpt(text).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "cannot read https://b.example/r.png?X-Amz-Signature=s3cret&x=1",
        "HTTPS://b.example/r.png#s3cret",
        "bad header: Bearer s3cret",
        "bad header: bearer  s3cret, so no",
        *OPENERS,
    ],
)
def test_no_signature_and_no_key_is_shown(text: str) -> None:
    assert "s3cret" not in messages.excerpt(text)
    assert "s3cret" not in messages.message({"error": {"message": text}})


@pytest.mark.parametrize("text", ["token: expired", "sp=1 and st=2", "a policy: none", "author"])
def test_words_that_open_nothing_stay(text: str) -> None:
    assert messages.excerpt(text) == text


def test_media_in_place_of_an_answer_has_no_words() -> None:
    assert messages.message("\x00\x00\x00 ftypisom\x00") == ""


@pytest.mark.parametrize("text", ["<" * 10**6, "<script>" * 10**5, "http://" * 10**6, "a" * 10**7])
def test_a_long_text_is_read_quickly(text: str) -> None:
    assert len(messages.message({"error": text})) <= 500
