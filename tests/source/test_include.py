from __future__ import annotations

import pytest

from tests.source.film import jobs, prompts, refused

SHOT = "shots: {o: {prompt: '{{ vars.a }}'}}\n"


def test_vars_references_and_templates_of_other_files_are_used() -> None:
    files = {
        "lib/cast.yaml": "vars: {mira: Mira}\nreferences: {hero: {image: ../refs/hero.png}}\n"
        "templates: {walk: {prompt: '{{ ref.hero }} is {{ vars.mira }}.'}}\n"
    }

    job = jobs("include: [lib/cast.yaml]\nshots: {o: {template: walk}}\n", files)["o"]

    assert job.prompt == "{{ ref.hero }} is Mira."
    assert job.references[0].reference.path == "refs/hero.png"
    assert str(job.origin_of("prompt")) == "lib/cast.yaml:3:28"


def test_paths_are_relative_to_the_file_that_says_them() -> None:
    files = {
        "lib/a.yaml": "include: [more/b.yaml]\n",
        "lib/more/b.yaml": "references:\n  h: {image: h.png}\n  u: {image: 'https://x.org/u.png'}\n",
    }

    job = jobs("include: [lib/a.yaml]\nshots: {o: {prompt: '{{ ref.h }} {{ ref.u }}'}}\n", files)

    places = [(use.reference.path, use.reference.url) for use in job["o"].references]
    assert places == [("lib/more/h.png", None), (None, "https://x.org/u.png")]


def test_what_a_file_says_itself_goes_before_an_included_var() -> None:
    files = {"a.yaml": "vars: {a: theirs, b: '{{ vars.a }}'}\n"}

    assert prompts(f"include: [a.yaml]\nvars: {{a: ours}}\n{SHOT}", files) == {"o": "ours"}


def test_a_file_that_is_reached_twice_counts_once() -> None:
    files = {
        "a.yaml": "include: [c.yaml]\n",
        "b.yaml": "include: [./c.yaml]\n",
        "c.yaml": "vars: {a: once}\ntemplates: {t: {prompt: A.}}\n",
    }

    assert prompts(f"include: [a.yaml, b.yaml]\n{SHOT}", files) == {"o": "once"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param(
            {"a.yaml": "include: [b.yaml]\n", "b.yaml": "include: [a.yaml]\n"},
            "b.yaml:1:11: files include each other: a.yaml includes b.yaml includes a.yaml",
            id="a loop",
        ),
        pytest.param(
            {"a.yaml": "include: [film.yaml]\n"},
            "a.yaml:1:11: files include each other: film.yaml includes a.yaml includes film.yaml",
            id="the manifest itself",
        ),
        pytest.param({}, "film.yaml:3:11: include: a.yaml is no file", id="no such file"),
        pytest.param({"a.yaml": "- 1\n"}, "a.yaml:1:1: an included file is a list", id="a list"),
        pytest.param({"a.yaml": "vars: {a: [}\n"}, "a.yaml:1:12: this is not YAML", id="no YAML"),
        pytest.param(
            {"a.yaml": "shots: {p: {prompt: P.}}\n"}, "a.yaml:1:1: unknown key 'shots'", id="shots"
        ),
        pytest.param(
            {"a.yaml": "vars: {a: '{{ vars.b }}'}\n"},
            "a.yaml:1:11: var a: 'b' is not defined",
            id="an undefined var",
        ),
    ],
)
def test_what_is_wrong_with_an_included_file_is_said_there(
    files: dict[str, str], words: str
) -> None:
    assert words in refused(f"include: [a.yaml]\n{SHOT}", files)


def test_a_row_of_files_without_end_is_refused() -> None:
    files = {f"a{n}.yaml": f"include: [a{n + 1}.yaml]\n" for n in range(1200)}

    assert "is more than 64 files deep" in refused(f"include: [a0.yaml]\n{SHOT}", files)


def test_an_absolute_path_is_refused() -> None:
    assert "include '/etc/passwd' is an absolute path" in refused(f"include: [/etc/passwd]\n{SHOT}")


@pytest.mark.parametrize("group", ["vars", "references", "templates"])
def test_a_name_in_two_included_files_is_refused(group: str) -> None:
    row = {"vars": "1", "references": "{image: a.png}", "templates": "{prompt: A.}"}[group]
    text = f"{group}: {{x: {row}}}\n"

    found = refused(f"include: [a.yaml, b.yaml]\n{SHOT}", {"a.yaml": text, "b.yaml": text})

    word = group.removesuffix("s")
    assert f"a.yaml:1:{len(group) + 4}: {word} 'x' is defined in two files (from b.yaml" in found


def test_a_template_that_is_included_need_not_be_used_and_one_s_own_must() -> None:
    files = {"a.yaml": "vars: {a: A}\ntemplates: {spare: {prompt: A.}}\n"}

    assert prompts(f"include: [a.yaml]\n{SHOT}", files) == {"o": "A"}
    assert "no shot uses template spare" in refused(
        f"vars: {{a: A}}\ntemplates: {{spare: {{prompt: A.}}}}\n{SHOT}"
    )


def test_files_of_more_than_a_bound_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedrender.source.include._MAX_CHARS", 80)

    assert "include less" in refused(f"include: [a.yaml]\n{SHOT}", {"a.yaml": "# " + "x" * 80})
    monkeypatch.setattr("seedrender.source.include._MAX_FILES", 1)
    files = {"a.yaml": "vars: {a: A}\n", "b.yaml": "vars: {b: B}\n"}
    assert "include 'b.yaml' is one too many" in refused(
        f"include: [a.yaml, b.yaml]\n{SHOT}", files
    )
