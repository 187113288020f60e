from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.providers import modellix as modellix_module
from seedrender.providers import registry
from seedrender.providers.modellix import Modellix
from seedrender.sim.app import SimSettings, serve
from seedrender.values.job import (
    CorrelationId,
    JobId,
    MediaKind,
    Mode,
    Reference,
    ReferenceUse,
    Role,
    Tier,
)
from seedrender.values.provider import MediaUrl
from seedrender.values.task import TaskId, TaskState
from tests.builders import job


def modellix() -> Modellix:
    found = registry.offline("modellix")
    assert isinstance(found, Modellix)
    return found


MODELLIX = modellix()
ID = CorrelationId("c1")
HERO = Reference(name="hero", kind=MediaKind.IMAGE, url="https://cdn.example/hero.png")
STREET = Reference(name="street", kind=MediaKind.IMAGE, path="refs/street.png")
DANCE = Reference(name="dance", kind=MediaKind.VIDEO, url="https://cdn.example/dance.mp4")
SCORE = Reference(name="score", kind=MediaKind.AUDIO, url="https://cdn.example/score.mp3")
MEDIA = {
    name: MediaUrl(f"https://m.example/{name}")
    for name in ("hero", "street", "dance", "score", "fly/01")
}


def uses(*references: Reference) -> tuple[ReferenceUse, ...]:
    return tuple(ReferenceUse(reference=reference) for reference in references)


def test_a_body_holds_only_what_the_author_said() -> None:
    request = MODELLIX.encode(job(), {}, ID)

    assert request.path == "/api/v1/bytedance/seedance-2.0-fast-t2v"
    assert request.body == {"prompt": "A kite over the sea."}


def test_a_body_has_the_fields_of_the_wire() -> None:
    full = job(
        duration_s=8,
        resolution="480p",
        ratio="16:9",
        audio=False,
        seed=3,
        camera_fixed=True,
        tier=Tier.STANDARD,
    )

    assert MODELLIX.encode(full, {}, ID).body == {
        "prompt": "A kite over the sea.",
        "duration": 8,
        "resolution": "480p",
        "ratio": "16:9",
        "generate_audio": False,
        "seed": 3,
        "camera_fixed": True,
    }


def test_references_are_numbered_by_kind_and_the_clip_before_is_the_first_video() -> None:
    prompt = (
        "{{ previous }}: {{ ref.street }} meets {{ ref.hero }} and {{ ref.dance }}, {{ ref.score }}"
    )
    segment = job(
        "fly/02",
        mode=Mode.V2V,
        prompt=prompt,
        references=uses(HERO, STREET, DANCE, SCORE),
        needs=(JobId("fly/01"),),
    )

    body = MODELLIX.encode(segment, MEDIA, ID).body

    assert body["prompt"] == "[Video 1]: [Image 2] meets [Image 1] and [Video 2], [Audio 1]"
    assert body["reference_images"] == [MEDIA["hero"], MEDIA["street"]]
    assert body["video_urls"] == [MEDIA["fly/01"], MEDIA["dance"]]
    assert body["audio_urls"] == [MEDIA["score"]]


def test_frames_have_fields_of_their_own() -> None:
    frames = (
        ReferenceUse(reference=HERO, role=Role.FIRST_FRAME),
        ReferenceUse(reference=STREET, role=Role.LAST_FRAME),
    )

    body = MODELLIX.encode(
        job(mode=Mode.I2V, prompt="From {{ ref.hero }}.", references=frames), MEDIA, ID
    ).body

    assert body == {
        "prompt": "From first frame.",
        "first_frame_image": MEDIA["hero"],
        "last_frame_image": MEDIA["street"],
    }


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        pytest.param({"resolution": "480p", "duration_s": 10}, "0.690", id="fast 480p"),
        pytest.param({"resolution": "720p"}, "0.690", id="fast 720p, five seconds by default"),
        pytest.param({}, "0.690", id="720p by default"),
        pytest.param({"tier": Tier.STANDARD, "resolution": "720p"}, None, id="not published"),
        pytest.param({"mode": Mode.V2V, "resolution": "480p"}, None, id="v2v is not published"),
        pytest.param({"model": "seedance-9"}, None, id="no such model"),
    ],
)
def test_a_price_is_looked_up_and_may_be_unknown(fields: dict[str, Any], price: str | None) -> None:
    found = MODELLIX.price(job(**fields))

    assert (found.expected.value if found.expected else None) == (Decimal(price) if price else None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"model": "seedance-2"}, "did you mean 'seedance-2.0'?", id="model"),
        pytest.param({"resolution": "1080p"}, "one of 480p, 720p", id="resolution"),
        pytest.param({"ratio": "2:1"}, "one of 21:9", id="ratio"),
        pytest.param({"duration_s": 3}, "4 to 15 whole seconds", id="too short"),
        pytest.param({"duration_s": 16}, "for a longer take use a chain", id="too long"),
        pytest.param({"prompt": "x" * 10_001}, "10000 at most", id="prompt"),
        pytest.param({"prompt": " "}, "the prompt is empty", id="no prompt"),
        pytest.param({"references": uses(*[HERO] * 10)}, "10 image references", id="images"),
        pytest.param({"references": uses(*[DANCE] * 4)}, "4 video references", id="videos"),
        pytest.param({"references": uses(SCORE)}, "sound alone", id="sound"),
        pytest.param({"references": uses(DANCE)}, "t2v takes no video", id="video in t2v"),
        pytest.param({"references": uses(HERO)}, "t2v takes no image", id="image in t2v"),
        pytest.param({"mode": Mode.V2V}, "v2v needs a video", id="v2v without video"),
        pytest.param({"references": (ReferenceUse(reference=SCORE, role=Role.FIRST_FRAME),)},
                     "is no image", id="a sound as frame"),
        pytest.param({"references": (ReferenceUse(reference=HERO, role=Role.FIRST_FRAME),
                                     ReferenceUse(reference=STREET, role=Role.FIRST_FRAME))},
                     "2 references are its first_frame", id="two first frames"),
        pytest.param({"references": (*uses(STREET),
                                     ReferenceUse(reference=HERO, role=Role.FIRST_FRAME))},
                     "does not go together", id="frame and reference"),
    ],
)  # fmt: skip
def test_what_the_model_refuses_is_found_before_money_is_spent(
    fields: dict[str, Any], words: str
) -> None:
    assert words in "; ".join(map(str, MODELLIX.violations(job(**fields))))


def test_a_job_within_the_limits_has_no_violation() -> None:
    assert MODELLIX.violations(job(duration_s=15, resolution="720p", ratio="21:9")) == []


def answer(status: str, **data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "success", "data": {"status": status, **data}}


VIDEO = {"url": "https://f.example/1.mp4", "type": "video", "role": "primary", "size": 42}
COVER = {"url": "https://f.example/1.png", "type": "image", "role": "cover"}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", TaskState.QUEUED),
        ("processing", TaskState.RUNNING),
        ("success", TaskState.SUCCEEDED),
        ("completed", TaskState.SUCCEEDED),
        ("failed", TaskState.FAILED),
        ("error", TaskState.FAILED),
        ("canceled", TaskState.CANCELLED),
        ("cancelled", TaskState.CANCELLED),
        ("dreaming", TaskState.RUNNING),
    ],
)
def test_states_are_read_and_an_unknown_one_is_still_going(word: str, state: TaskState) -> None:
    assert MODELLIX._task(TaskId("t"), answer(word)).state is state


@pytest.mark.parametrize(
    ("result", "url"),
    [
        pytest.param({"result": {"resources": [COVER, VIDEO]}}, VIDEO["url"], id="the primary"),
        pytest.param({"resources": [VIDEO]}, VIDEO["url"], id="beside the result"),
        pytest.param(
            {"resources": ["https://f.example/b.mp4"]}, "https://f.example/b.mp4", id="bare"
        ),
        pytest.param({"result": {"resources": [COVER]}}, None, id="no video"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_the_video_is_found_where_sources_place_it(result: dict[str, Any], url: str | None) -> None:
    video = MODELLIX._task(TaskId("t"), answer("success", **result)).video

    assert (video.url if video else None) == url


PICTURE = {"url": "https://f.example/a.jpeg", "type": "image", "role": "primary"}
OTHER = {"url": "https://f.example/b.jpeg", "type": "image", "role": "alternative"}


@pytest.mark.parametrize(
    ("resources", "urls"),
    [
        pytest.param([COVER, PICTURE], [PICTURE["url"]], id="not the cover"),
        pytest.param([OTHER, PICTURE], [PICTURE["url"], OTHER["url"]], id="the primary first"),
        pytest.param([OTHER, {"type": "image"}, 7], [OTHER["url"]], id="only what has a URL"),
        pytest.param(
            ["https://f.example/c.png?sig=1"], ["https://f.example/c.png?sig=1"], id="bare"
        ),
        pytest.param([VIDEO], [], id="no picture"),
        pytest.param("none", [], id="no list"),
    ],
)
def test_every_picture_of_a_result_is_found(resources: Any, urls: list[str]) -> None:
    data = answer("success", result={"resources": resources})

    assert [file.url for file in MODELLIX._task(TaskId("t"), data).pictures] == urls


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        pytest.param(answer("success", billing={"amount": 0.92}), "0.92", id="in data"),
        pytest.param({**answer("success"), "billing": {"amount": "1.5"}}, "1.5", id="beside it"),
        pytest.param(answer("success"), None, id="absent"),
        pytest.param(answer("success", billing={"amount": "much"}), None, id="no number"),
        pytest.param(answer("success", billing={"amount": "NaN"}), None, id="not a number"),
        pytest.param(answer("success", billing={"amount": True}), None, id="a boolean"),
        pytest.param(
            {**answer("failed", billing={"amount": 0.5}), "billing": {"amount": "0.50"}},
            "0.5",
            id="the same in both",
        ),
        pytest.param(
            {**answer("failed", billing={"amount": 0}), "billing": {"amount": 0.276}},
            None,
            id="one says nothing, and one a sum",
        ),
        pytest.param(
            {**answer("failed", billing={"amount": 0}), "billing": {"amount": "0.3 USD"}},
            None,
            id="one says nothing, and one cannot be read",
        ),
        pytest.param(
            {**answer("failed", billing={"amount": 0}), "billing": 0.276},
            None,
            id="one says nothing, and one is of another shape",
        ),
        pytest.param(answer("failed", billing={"amount": 0, "total": 0.276}), None, id="a total"),
        pytest.param(answer("failed", billing={"amount": 0}, cost="0.276"), None, id="a cost"),
        pytest.param(answer("failed", billing={"amount": 0, "Amount": [0.276]}), None, id="twice"),
        pytest.param(
            answer("failed", billing={"amount": 0}, usage={"total_tokens": 40000}),
            None,
            id="tokens",
        ),
        pytest.param(
            answer("failed", billing={"amount": 0, "total": 0}, usage={"tokens": None}, cost=True),
            "0",
            id="nothing everywhere",
        ),
        pytest.param(
            answer("success", billing={"amount": 0.2, "currency": "EUR"}), None, id="other money"
        ),
        pytest.param(answer("success", billing={"amount": 5, "unit": "credits"}), None, id="unit"),
        pytest.param(
            answer("success", billing={"amount": 1.38, "unit": 0.069, "quantity": 20}),
            "1.38",
            id="a price for one",
        ),
        pytest.param(answer("success", billing={"amount": 5, "currency": "USD"}), "5", id="USD"),
    ],
)
def test_what_was_billed_is_read_in_both_places(body: dict[str, Any], amount: str | None) -> None:
    cost = MODELLIX._task(TaskId("t"), body).cost

    assert (str(cost.value) if cost else None) == amount


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        pytest.param(answer("failed", error={"code": "OutputAudioSensitiveContentDetected",
                                             "message": "refused"}),
                     TaskState.REFUSED, "OutputAudioSensitiveContentDetected: refused", id="refused"),
        pytest.param(answer("failed", error={"message": "no"}), TaskState.FAILED, "no", id="nested"),
        pytest.param(answer("failed", error="broke"), TaskState.FAILED, "broke", id="a text"),
        pytest.param(answer("failed", message="late"), TaskState.FAILED, "late", id="in data"),
        pytest.param({**answer("failed"), "message": "out"}, TaskState.FAILED, "out", id="on top"),
        pytest.param(answer("failed"), TaskState.FAILED, "does not say why", id="nowhere"),
    ],
)  # fmt: skip
def test_why_a_task_failed_is_read_from_every_known_place(
    body: dict[str, Any], state: TaskState, words: str
) -> None:
    task = MODELLIX._task(TaskId("t"), body)

    assert (task.state, words in str(task.message)) == (state, True)


def clips(*roles: str, kind: str = "video") -> list[dict[str, Any]]:
    return [{"url": f"https://f.example/{n}.mp4", "type": kind, "role": role}
            for n, role in enumerate(roles)]  # fmt: skip


@pytest.mark.parametrize(
    ("resources", "numbers"),
    [
        (clips("primary"), [0]),
        (clips("alternative", "primary", "alternative"), [1, 0, 2]),
        (clips("alternative", "alternative"), [0, 1]),
        (clips("primary", "cover", "Thumbnail", "alternative"), [0, 3]),
        (clips("primary", "alternative", kind="VIDEO/mp4"), [0, 1]),
        (clips("primary", "primary") * 3, [0, 1]),
        ([{"url": "https://f.example/0.mp4"}, {"url": "https://f.example/1.png"}], [0]),
        ([{**clips("primary")[0], "url": "https://f.example/\ud800.mp4"}], []),
        (clips(*["alternative"] * 1000), list(range(65))),
    ],
)
def test_every_clip_of_a_result_is_found_and_no_cover(resources: Any, numbers: list[int]) -> None:
    task = MODELLIX._task(TaskId("t"), answer("success", result={"resources": resources}))

    found = [file.url for file in (task.video, *task.more_videos) if file is not None]
    assert found == [f"https://f.example/{n}.mp4" for n in numbers]


@pytest.mark.parametrize("result", [None, 7, [], "x", {"resources": {"url": "x"}}, {"resources": [
    None, 7, {}, {"url": 7}, {"url": ""}, [[]], {"type": "video"}]}])  # fmt: skip
def test_a_success_of_a_strange_shape_is_a_success_without_a_clip(result: Any) -> None:
    task = MODELLIX._task(TaskId("t"), answer("success", result=result, billing=[1], error=5))

    assert (task.state, task.video, task.more_videos) == (TaskState.SUCCEEDED, None, ())
    assert task.unread == {"cost": "[1]"}


def test_odd_figures_are_left_out_and_named() -> None:
    rows = [{**VIDEO, "size": -1}]
    task = MODELLIX._task(TaskId("t"), answer("success", result={"resources": rows},
        billing={"amount": -0.276}, duration=float("nan"), result_expires_at=10**300))  # fmt: skip

    assert task.video is not None
    assert (task.cost, task.render_s, task.video.size_bytes) == (None, None, None)
    assert task.unread == {
        "cost": "-0.276",
        "render_s": "NaN",
        "size_bytes": "-1",
        "expires_at": str(10**300)[:80],
    }


@pytest.mark.parametrize("said", ["task-2", 2, "t "])
def test_an_answer_about_another_task_is_none(said: Any) -> None:
    with pytest.raises(ProtocolError, match="the answer about task t is about another one"):
        MODELLIX._task(TaskId("t"), answer("success", task_id=said))


def test_an_id_that_is_a_number_is_the_same_id() -> None:
    assert MODELLIX._task(TaskId("12345"), answer("pending", task_id=12345)).id == "12345"
    rows = [{"task_id": "9", "status": "failed"}, {"task_id": 12345, "status": "success"}]
    assert MODELLIX._task(TaskId("12345"), {"data": rows}).state is TaskState.SUCCEEDED


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (500, UnavailableError),
        (503, UnavailableError),
        (429, RateLimitedError),
        (404, NotFoundError),
        (401, UnauthorizedError),
        (400, ProtocolError),
        (0, ProtocolError),
        (None, ProtocolError),
    ],
)
def test_a_poll_that_is_refused_inside_a_success_says_how(
    code: Any, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind, match="upstream busy") as caught:
        MODELLIX._task(TaskId("t"), {"code": code, "message": "upstream busy", "data": None})

    assert type(caught.value) is kind


def test_a_task_whose_time_was_up_has_expired() -> None:
    task = MODELLIX._task(TaskId("t"), answer("TIMEOUT"))

    assert (task.state, task.message) == (TaskState.EXPIRED, "its time was up at the provider")


def test_a_held_poll_is_answered_at_the_end_of_the_task() -> None:
    async def polled() -> tuple[list[TaskState], list[str]]:
        settings = SimSettings(speed=100, footage="patched")
        async with (
            serve(settings) as base_url,
            registry.simulated(base_url, speed=100) as provider,
        ):
            task_id = await provider.submit(provider.encode(job(), {}, ID))
            at_once = await provider.poll(task_id)
            seen = [at_once, await provider.poll(task_id, hold=True)]
            while not seen[-1].state.is_final:
                seen.append(await provider.poll(task_id, hold=True))
            return [task.state for task in seen], [task.provider_state for task in seen]

    states, words = asyncio.run(polled())

    assert states[-1] is TaskState.SUCCEEDED
    assert words[0] == "pending"
    assert len(words) <= 1 + 8  # of 30 s each; one more where the clip is not drawn yet


@pytest.mark.parametrize("route", ["modellix", "sim"])
def test_a_read_is_held_for_half_a_minute(route: str) -> None:
    assert registry.offline(route).limits.hold_s == 30


@pytest.mark.parametrize(
    ("word", "amount", "state"),
    [
        pytest.param("failed", 0.276, TaskState.SUCCEEDED, id="failed, billed and there"),
        pytest.param("cancelled", 0.276, TaskState.SUCCEEDED, id="cancelled, billed and there"),
        pytest.param("failed", "0.3 USD", TaskState.SUCCEEDED, id="a bill that cannot be read"),
        pytest.param("failed", 0, TaskState.SUCCEEDED, id="failed, free and there"),
        pytest.param("failed", None, TaskState.SUCCEEDED, id="there, and nobody knows the bill"),
        pytest.param("in_orbit", None, TaskState.SUCCEEDED, id="unknown, with a result"),
        pytest.param("running", 0.276, TaskState.RUNNING, id="billed, and it still runs"),
    ],
)
def test_what_is_there_is_fetched_whatever_it_is_called(
    word: str, amount: float | str | None, state: TaskState
) -> None:
    result = {"resources": [{"url": "https://store.example/a.mp4", "type": "video"}]}
    billing = {"amount": amount} if amount is not None else None

    task = MODELLIX._task(TaskId("t"), answer(word, result=result, billing=billing))

    assert (task.state, task.video is not None) == (state, state is TaskState.SUCCEEDED)


@pytest.mark.parametrize(
    ("url", "base_url", "is_served"),
    [
        ("https://files.example/1.mp4", "https://api.example", True),
        ("http://files.example/1.mp4", "https://api.example", False),
        ("http://127.0.0.1:9/1.mp4", "http://127.0.0.1:9", True),
        ("file:///etc/passwd", "https://api.example", False),
        ("/clip/up.mp4", "https://api.example", False),
    ],
)
def test_an_upload_is_sent_on_only_where_a_model_can_fetch_it(
    url: str,
    base_url: str,
    is_served: bool,  # noqa: FBT001 - a row of the table
) -> None:
    assert modellix_module._is_served(url, base_url) is is_served
