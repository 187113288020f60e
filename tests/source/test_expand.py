from __future__ import annotations

import pytest

from seedrender.errors import ConfigError, ManifestError
from seedrender.source import expand
from seedrender.source.expand import Expansion
from seedrender.values.job import Job, Role, Tier

HEAD = "seedrender: 1\nname: film\n"
FILES = {"rows.csv": "id,weather,seed\nfog,thick fog,7\nice,black ice,8\n"}


def read(path: str) -> str:
    if path not in FILES:
        raise ConfigError(f"{path} cannot be read")
    return FILES[path]


def load(text: str, profile: str | None = None) -> Expansion:
    return expand.load(HEAD + text, "film.yaml", read=read, profile=profile)


def jobs(text: str, profile: str | None = None) -> dict[str, Job]:
    return {job.id: job for job in load(text, profile).jobs}


def refused(text: str, profile: str | None = None) -> str:
    with pytest.raises(ManifestError) as caught:
        load(text, profile)
    return str(caught.value)


def test_a_shot_is_a_job_and_later_takes_have_a_suffix() -> None:
    found = jobs("shots: {opener: {prompt: A kite., takes: 3}}")

    assert list(found) == ["opener", "opener@2", "opener@3"]
    assert [job.take for job in found.values()] == [1, 2, 3]
    assert found["opener@2"].output == "renders/opener@2.mp4"


def test_what_the_author_did_not_say_stays_unset() -> None:
    job = jobs("shots: {opener: {prompt: A kite.}}")["opener"]

    assert (job.model, job.tier) == ("seedance-2.0", Tier.STANDARD)
    unset = (job.duration_s, job.resolution, job.ratio, job.audio, job.seed, job.camera_fixed)
    assert unset == (None,) * 6


def test_a_matrix_makes_one_job_a_combination_in_the_order_of_its_axes() -> None:
    found = jobs(
        "vars: {weather: [rain, snow]}\n"
        "shots:\n  spin:\n    prompt: '{{ colour }} in {{ weather }}'\n"
        "    matrix: {colour: [black, silver], weather: '{{ vars.weather }}'}\n"
        "    exclude: [{colour: silver, weather: snow}]\n"
    )

    assert {name: job.prompt for name, job in found.items()} == {
        "spin/black-rain": "black in rain",
        "spin/black-snow": "black in snow",
        "spin/silver-rain": "silver in rain",
    }


def test_rows_of_a_file_are_variables_and_name_their_jobs() -> None:
    found = jobs(
        "shots: {rows: {prompt: 'A road in {{ weather }}.', foreach: rows.csv, seed: '{{ seed }}'}}"
    )

    assert [(job.id, job.prompt, job.seed) for job in found.values()] == [
        ("rows/fog", "A road in thick fog.", 7),
        ("rows/ice", "A road in black ice.", 8),
    ]


def test_the_closest_setting_wins_and_a_profile_stands_before_the_defaults() -> None:
    text = (
        "defaults: {tier: fast, resolution: 480p, ratio: '16:9', duration: 5}\n"
        "profiles: {final: {tier: standard, resolution: 720p, ratio: '1:1'}}\n"
        "templates: {t: {prompt: A kite., ratio: '9:16', duration: 6}}\n"
        "shots: {opener: {template: t, duration: 7}}\n"
    )

    draft, final = jobs(text)["opener"], jobs(text, "final")["opener"]

    assert (draft.tier, draft.resolution, draft.ratio, draft.duration_s) == (
        Tier.FAST,
        "480p",
        "9:16",
        7,
    )
    assert (final.tier, final.resolution, final.ratio, final.duration_s) == (
        Tier.STANDARD,
        "720p",
        "9:16",
        7,
    )


def test_texts_in_lists_and_in_continuations_are_evaluated() -> None:
    found = jobs(
        "references: {hero: {image: h.png}}\n"
        "vars: {main: red, all: ['{{ vars.main }}', blue], who: '{{ ref.hero }}'}\n"
        "templates: {t: {prompt: 'A {{ b }} {{ c }}', params: {b: {default: '{{ vars.main }}'}}}}\n"
        "shots:\n  s: {template: t, matrix: {c: ['{{ vars.main }}', blue]},"
        " exclude: [{c: '{{ vars.all[1] }}'}]}\n  w: {prompt: '{{ vars.who }} runs'}\n"
        "chains: {c: {prompt: A., duration: 30, continuation: '{{ previous }}, {{ vars.main }}. '}}\n"
    )

    assert {name: job.prompt for name, job in found.items()} == {
        "s/red": "A red red",
        "w": "{{ ref.hero }} runs",
        "c/01": "A.",
        "c/02": "{{ previous }}, red. A.",
    }
    assert [use.reference.name for use in found["w"].references] == ["hero"]


def test_every_undefined_name_of_a_list_is_found() -> None:
    text = refused(
        "templates: {t: {prompt: '{{ c }}'}}\n"
        "shots: {s: {template: t, with: {c: ['{{ x }}', 5, {a: '{{ y }}'}]}}}"
    )

    assert "c: 'x' is not defined" in text
    assert "c: 'y' is not defined" in text


def test_a_variable_that_is_empty_leaves_a_setting_unset() -> None:
    job = jobs(
        "vars: {n: }\n"
        "shots: {s: {prompt: A., tier: '{{ vars.n }}', model: '{{ vars.n }}', seed: '{{ vars.n }}'}}"
    )["s"]

    assert (job.tier, job.model, job.seed) == (Tier.STANDARD, "seedance-2.0", None)


def test_one_is_not_true_to_exclude() -> None:
    found = jobs("shots: {s: {prompt: '{{ a }}', matrix: {a: [1, true]}, exclude: [{a: true}]}}")

    assert list(found) == ["s/1"]


def test_a_whole_number_may_be_computed() -> None:
    found = jobs("vars: {d: 2.5}\nshots: {s: {prompt: A., duration: '{{ vars.d * 2 }}'}}")

    assert found["s"].duration_s == 5


def test_rows_may_begin_with_the_mark_that_spreadsheets_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(FILES, "rows.csv", "\ufeffid,a\nx,1\n")

    assert list(jobs("shots: {o: {prompt: '{{ a }}', foreach: rows.csv}}")) == ["o/x"]


def test_an_unknown_profile_is_refused() -> None:
    text = "profiles: {final: {tier: standard}}\nshots: {opener: {prompt: A kite.}}"

    assert "there is no profile 'finale'; did you mean 'final'?" in refused(text, "finale")


def test_template_params_come_from_with_from_axes_and_from_defaults() -> None:
    found = jobs(
        "templates:\n  t:\n"
        "    params: {a: {type: string}, b: {type: integer, default: 3}, c: {}}\n"
        "    prompt: '{{ a }} {{ b }} {{ c }}'\n"
        "shots: {s: {template: t, with: {a: 'x{{ vars.n }}'}, matrix: {c: [1, true]}}}\n"
        "vars: {n: 1, m: '{{ vars.n }}'}\n"
    )

    assert [job.prompt for job in found.values()] == ["x1 3 1", "x1 3 True"]
    assert list(found) == ["s/1", "s/true"]


@pytest.mark.parametrize(
    ("shot", "mode", "reason"),
    [
        pytest.param("{prompt: A.}", "t2v", "no image and no video", id="text"),
        pytest.param("{prompt: '{{ ref.hero }}'}", "i2v", "image reference hero", id="image"),
        pytest.param("{prompt: A., references: [{use: hero, as: first_frame}]}", "i2v",
                     "image first_frame hero", id="frame"),
        pytest.param("{prompt: A., references: [hero, dance]}", "v2v", "video reference dance",
                     id="video"),
        pytest.param("{prompt: '{{ ref.hero }}', mode: v2v}", "v2v", "the manifest says so",
                     id="said"),
    ],
)  # fmt: skip
def test_the_mode_follows_from_what_a_shot_carries(shot: str, mode: str, reason: str) -> None:
    refs = "references: {hero: {image: h.png}, dance: {video: d.mp4}}\n"

    job = jobs(refs + f"shots: {{opener: {shot}}}")["opener"]

    assert job.mode.value == mode
    assert reason in job.mode_reason


def test_a_reference_in_the_prompt_adds_itself_behind_those_listed() -> None:
    job = jobs(
        "references: {a: {image: a.png}, b: {asset: id-1, kind: image}, "
        "c: {image: 'https://h.example/c.png'}}\n"
        "shots: {s: {prompt: '{{ ref.c }} and {{ ref.a }}', references: ['{{ ref.b }}', a]}}"
    )["s"]

    assert [use.reference.name for use in job.references] == ["b", "a", "c"]
    assert all(use.role is Role.REFERENCE for use in job.references)


def test_a_long_take_becomes_segments_that_continue_each_other() -> None:
    found = load("chains: {fly: {prompt: One shot., duration: 42}}")

    assert [(j.id, j.duration_s, j.needs, j.mode.value) for j in found.jobs] == [
        ("fly/01", 15, (), "t2v"),
        ("fly/02", 15, ("fly/01",), "v2v"),
        ("fly/03", 12, ("fly/02",), "v2v"),
    ]
    assert found.jobs[1].prompt == "Continue {{ previous }} without a cut. One shot."
    assert [(t.id, t.output, t.audio) for t in found.takes] == [("fly", "renders/fly.mp4", "keep")]


def test_segments_may_differ_and_say_themselves_what_they_continue() -> None:
    found = load(
        "defaults: {duration: 5}\n"
        "chains:\n  story:\n    continuation: ''\n    join: {audio: none}\n"
        "    output: story/whole.mp4\n    segments:\n      - {prompt: One., duration: 15}\n"
        "      - {prompt: '{{ previous }} goes on.', audio: false}\n      - {prompt: End.}\n"
    )

    assert [(j.prompt, j.duration_s, j.audio) for j in found.jobs] == [
        ("One.", 15, None),
        ("{{ previous }} goes on.", 5, False),
        ("End.", 5, None),
    ]
    assert (found.takes[0].output, found.takes[0].audio) == ("renders/story/whole.mp4", "none")


def test_every_value_knows_where_it_was_written() -> None:
    text = "defaults: {ratio: '1:1'}\nshots:\n  opener:\n    prompt: A kite.\n    duration: 5\n"

    job = jobs(text)["opener"]

    assert str(job.origin) == "film.yaml:5:3"
    assert str(job.origin_of("duration")) == "film.yaml:7:15"
    assert str(job.origin_of("ratio")) == "film.yaml:3:19"
    assert job.origin_of("seed") == job.origin


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("shots: {o: {prompt: A., seed: '{{ name }}'}}", "seed is 'film'", id="type"),
        pytest.param("shots: {o: {prompt: A., tier: '{{ name }}'}}", "no tier 'film'", id="tier"),
        pytest.param("shots: {o: {prompt: A., duration: '{{ 1 - 1 }}'}}", "duration is 0", id="0"),
        pytest.param("vars: {a: '{{ b }}'}\nshots: {o: {prompt: A.}}", "var a: 'b'", id="a var"),
        pytest.param("shots: {o: {prompt: A.}}\nchains: {o: {prompt: A., duration: 9}}",
                     "'o' is a shot and a chain", id="one name for two"),
        pytest.param("shots: {o: {prompt: A., matrix: {job: [1]}}}", "'job' is taken", id="taken"),
        pytest.param("shots: {o: {prompt: A., matrix: {a: '{{ name }}'}}}", "not a list", id="axis"),
        pytest.param("shots: {o: {prompt: A., matrix: {a: '{{ b }}'}}}", "axis a: 'b'", id="axis 2"),
        pytest.param("shots: {o: {prompt: A., matrix: {a: [[1], '§']}}}", "part of an id", id="id"),
        pytest.param("shots: {o: {prompt: A., matrix: {a: [1]}, exclude: [{a: 1}]}}",
                     "no combination is left", id="nothing left"),
        pytest.param("shots: {o: {prompt: A., foreach: no.csv}}", "no.csv cannot be read", id="csv"),
        pytest.param("chains: {c: {prompt: A., duration: 9, model: x}}", "model 'x' is not", id="m"),
        pytest.param("chains: {c: {prompt: '{{ a }}', duration: 9}}", "'a' is not", id="chain"),
        pytest.param("chains: {c: {prompt: A., duration: '{{ a }}'}}", "'a' is not", id="length"),
        pytest.param("shots: {o: {prompt: A., output: '{{ a }}'}}", "'a' is not", id="output"),
        pytest.param("shots: {o: {prompt: A., output: 'a:b'}}", "file systems refuse", id="colon"),
        pytest.param("shots: {o: {prompt: A., output: ' '}}", "no file name", id="blank"),
        pytest.param("shots: {o: {prompt: A., output: .a.mp4}}", "starts with a dot", id="dot"),
        pytest.param(f"shots: {{o: {{prompt: A., output: {'x' * 250}}}}}", "200 bytes", id="long"),
        pytest.param("shots: {o: {prompt: A., output: film.yaml}}", "is no .mp4", id="no clip"),
        pytest.param("output: {dir: .git}\nshots: {o: {prompt: A.}}", "'.git' has a part", id="dir 1"),
        pytest.param("output: {dir: '{{ name }}'}\nshots: {o: {prompt: A.}}", "belong into", id="dir 2"),
        pytest.param("output: {dir: 'a\\b'}\nshots: {o: {prompt: A.}}", "systems refuse", id="dir 3"),
        pytest.param("templates: {t: {prompt: A.}}\nshots: {o: {prompt: A.}}",
                     "no shot uses template t", id="an unused template"),
        pytest.param("references: {a: {image: 'https://[b/x.png'}}\nshots: {o: {prompt: A.}}",
                     "reference a is not a URL", id="a broken URL"),
        pytest.param("shots: {o: {prompt: A., foreach: /etc/rows.csv}}", "is an absolute path", id="csv 2"),
        pytest.param("shots: {o: {prompt: A., matrix: {" + ", ".join(f"a{n}: [{', '.join(map(str, range(50)))}]" for n in range(8)) + "}}}",
                     "more than 200000 combinations", id="a large matrix"),
        pytest.param("chains: {c: {prompt: A., duration: 999999999999}}", "is too long", id="a long take"),
        pytest.param("chains: {c: {prompt: A., duration: 30, continuation: '{{ a }}'}}",
                     "continuation: 'a' is not", id="a continuation"),
        pytest.param("shots: {o: {prompt: A., matrix: {a: [1]}, exclude: [{a: '{{ b }}'}]}}",
                     "exclude: 'b' is not", id="an excluded name"),
        pytest.param("templates: {t: {prompt: A.}}\nshots: {o: {template: t, with: {ref: 1}}}",
                     "'ref' is taken", id="a param's name"),
        pytest.param("vars: {t: '{{ \"{{ previous }}\" }}'}\nshots: {o: {prompt: '{{ vars.t }}'}}",
                     "no previous clip here", id="previous from a variable"),
        pytest.param("vars: {n: }\nshots: {o: {prompt: '{{ vars.n }}'}}", "prompt is empty", id="empty"),
        pytest.param("vars: {n: [1]}\nshots: {o: {prompt: '{{ vars.n }}'}}", "no text but [1]", id="list"),
        pytest.param("shots: {o: {prompt: '{{ \"{{ a }}\" }}'}}", "left in the prompt", id="left over"),
        pytest.param("references: {a: {asset: x}}\nshots: {o: {prompt: A.}}", "no kind", id="kind"),
        pytest.param("references: {a: {image: /etc/a.png}}\nshots: {o: {prompt: A.}}",
                     "absolute path", id="absolute"),
        pytest.param("templates: {t: {params: {a: {}}, prompt: A.}}\n"
                     "shots: {o: {template: t, with: {a: 1, b: 2}}}", "not a param", id="param"),
        pytest.param("vars: {t: '{{ \"{{ ref.x }}\" }}'}\nshots: {o: {prompt: '{{ vars.t }}'}}",
                     "reference 'x' is not defined", id="a placeholder from a variable"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(text: str, words: str) -> None:
    message = refused(text)

    assert words in message
    assert message.startswith(("film.yaml:", "rows.csv:"))


@pytest.mark.parametrize(
    ("csv", "words"),
    [
        pytest.param("id,a\n1\n", "rows.csv:2:1: this row has 1 of 2 fields", id="short"),
        pytest.param("id,a\n1,2,3\n", "rows.csv:2:1: this row has 3 of 2 fields", id="long"),
        pytest.param(
            "id,a\n1,2\n1,3\n", "rows.csv:3:1: the id '1' is in rows.csv:2:1 as well", id="two"
        ),
        pytest.param("id,a\n,2\n", "rows.csv:2:1: this row has no id", id="no id"),
        pytest.param("id,a b\n1,2\n", "column 'a b' is no name", id="a column"),
        pytest.param("id,a,a\n1,2,3\n", "two columns have one name", id="columns"),
        pytest.param('id,a\n"1,2\n', "this is not CSV", id="a quote"),
    ],
)
def test_rows_that_do_not_fit_are_refused_with_their_line(
    csv: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FILES, "rows.csv", csv)

    assert words in refused("shots: {o: {prompt: A., foreach: rows.csv}}")


def test_too_many_jobs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand, "MAX_JOBS", 3)

    assert "more than 3 jobs" in refused("shots: {o: {prompt: A., takes: 4}}")
