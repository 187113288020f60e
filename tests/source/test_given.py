from __future__ import annotations

from typing import Any

import pytest

from seedrender.errors import ConfigError, ManifestError
from seedrender.source import given
from tests.source.film import jobs, prompts, refused

TEXT = "vars: {a: own, b: '{{ vars.a }}!'}\nshots: {o: {prompt: '{{ vars.b }}'}}\n"


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("a=3", 3),
        ("a='3'", "3"),
        ("a=true", True),
        ("a=16:9", "16:9"),
        ("a=", ""),
        ("a=[rain, snow]", ["rain", "snow"]),
        ("a=x=y", "x=y"),
        ("a=null", None),
    ],
)
def test_a_flag_keeps_its_type(flag: str, value: Any) -> None:
    assert given.read([flag], []).values == {"a": value}


def test_a_flag_goes_before_a_file_and_a_file_before_the_manifest() -> None:
    file = ("prod.yaml", "a: file\n")

    assert prompts(TEXT) == {"o": "own!"}
    assert jobs(TEXT, vars_files=(file,))["o"].prompt == "file!"
    assert jobs(TEXT, vars_files=(file, ("b.yaml", "a: later\n")))["o"].prompt == "later!"
    assert jobs(TEXT, vars_files=(file,), flags=("a=flag",))["o"].prompt == "flag!"
    assert prompts(TEXT, flags=("a=flag", "a=last")) == {"o": "last!"}


def test_a_var_that_the_manifest_does_not_have_is_refused() -> None:
    found = refused("vars: {product: A}\nshots: {o: {prompt: A.}}\n", flags=("prodct=B",))

    assert "the manifest has no var 'prodct'; did you mean 'product'?" in found


@pytest.mark.parametrize("flag", ["a", "=b", "a b=1", "1a=2"])
def test_a_flag_of_another_form_is_refused(flag: str) -> None:
    with pytest.raises(ConfigError, match="write --set name=value"):
        given.read([flag], [])


def test_a_file_of_vars_is_a_mapping() -> None:
    with pytest.raises(ManifestError, match="a file of vars is a mapping"):
        given.read([], [("v.yaml", "[1]")])
