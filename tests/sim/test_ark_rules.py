"""What the Ark wire accepts and refuses, row by row of the reference's tables."""

from __future__ import annotations

from typing import Any

import pytest

from seedrender.sim import ark_errors, ark_flags
from seedrender.sim.ark_models import models
from tests.sim.ark import (
    BP,
    FAST,
    NEWEST,
    NEWEST_VE,
    PRO_10,
    PRO_15,
    VE,
    Ark,
    against,
    audio,
    error,
    image,
    medium,
    picture,
    text,
    video,
)

INVALID, UNSUPPORTED = "InvalidParameter", "InvalidParameter.UnsupportedParameter"
CONSTRAINT = "InvalidParameter.TaskTypeConstraint"
MP3 = "data:audio/mp3;base64,SUQzBAAAAAAA"
EDIT = {"model": NEWEST, "omni_reference_task_type": "edit", "content": [text(), video()]}
NONE = {"ratio": None, "duration": None}


def frames(*roles: str | None) -> list[dict[str, Any]]:
    return [text(), *(image(role) for role in roles)]


def many(count: int, item: dict[str, Any], *more: dict[str, Any]) -> list[dict[str, Any]]:
    return [text(), *([item] * count), *more]


REFERENCE = image("reference_image")
ACCEPTED = [
    pytest.param({"model": BP, "resolution": "4k"}, id="4k on 2.0"),
    pytest.param({"model": BP, "resolution": "4K"}, id="4K with a capital"),
    pytest.param({"model": BP, "resolution": "1080p"}, id="1080p on 2.0"),
    pytest.param({"ratio": "adaptive"}, id="adaptive in t2v of 2.0"),
    pytest.param({"duration": 15}, id="15 seconds"),
    pytest.param({"duration": 5.0}, id="a whole number with a point"),
    pytest.param({"duration": -1}, id="the model chooses its length"),
    pytest.param({"model": NEWEST, "duration": 30}, id="30 seconds of 2.5"),
    pytest.param({"model": PRO_10, "duration": 2}, id="2 seconds of 1.0"),
    pytest.param({"model": PRO_10, "frames": 29}, id="29 frames"),
    pytest.param({"model": PRO_10, "frames": 289, "duration": 99}, id="frames win over duration"),
    pytest.param({"seed": 2**31 - 1}, id="the largest seed"),
    pytest.param({"seed": -1}, id="a random seed"),
    pytest.param({"camera_fixed": False}, id="a camera that is not fixed, anywhere"),
    pytest.param({"model": PRO_15, "camera_fixed": True}, id="a fixed camera on 1.5"),
    pytest.param({"model": PRO_15, "service_tier": "flex"}, id="flex on 1.5"),
    pytest.param({"execution_expires_after": 3600}, id="an hour"),
    pytest.param({"execution_expires_after": 259_200}, id="three days"),
    pytest.param({"priority": 9}, id="the highest priority"),
    pytest.param({"safety_identifier": "x" * 64}, id="64 characters of an identifier"),
    pytest.param({"model": PRO_15, "draft": True}, id="a draft of 1.5"),
    pytest.param({"model": NEWEST, "draft": True}, id="a draft of 2.5 on BytePlus"),
    pytest.param({"tools": [{"type": "web_search"}]}, id="a search"),
    pytest.param({"tools": []}, id="no tools"),
    pytest.param({"model": NEWEST, "output_format": "mov"}, id="mov of 2.5"),
    pytest.param({"output_format": "mp4"}, id="mp4"),
    pytest.param({**EDIT, "ratio": "adaptive", "duration": -1}, id="an edit"),
    pytest.param({**EDIT, **NONE}, id="an edit that says no more"),
    pytest.param({"content": [REFERENCE]}, id="no text beside media"),
    pytest.param({"content": frames(None)}, id="a start image without a role"),
    pytest.param({"content": frames("first_frame")}, id="a first frame"),
    pytest.param({"content": frames("last_frame", "first_frame")}, id="both frames, in any order"),
    pytest.param({"content": many(9, REFERENCE)}, id="nine references"),
    pytest.param({"content": [text(), REFERENCE, video(), audio()]}, id="three kinds"),
    pytest.param({"content": many(3, video(), audio())}, id="three clips and a sound"),
    pytest.param({"model": NEWEST, "content": [text(), audio()]}, id="a sound alone on 2.5"),
    pytest.param({"content": [image("reference_image", "asset://asset-20260901120000-x1y2z")]}, id="an asset"),
    pytest.param({"content": [REFERENCE, audio(MP3)]}, id="a sound as data"),
    pytest.param({"content": [image(None, picture(300, 300))]}, id="the smallest picture"),
    pytest.param({"content": [image(None, picture(750, 300))]}, id="the widest picture"),
    pytest.param({"model": f"ep-20261101-{VE}", "resolution": "4k"}, id="an endpoint id"),
    pytest.param({"model": "ep-20261101-abcde", "resolution": "1080p"}, id="an endpoint of 2.0"),
    pytest.param({"callback_url": "https://hooks.example.org/x"}, id="a callback"),
    pytest.param({"watermark": True}, id="a watermark"),
    pytest.param({"human_face_mode": 3, "content": [{**text(), "extra": 1}]}, id="what nobody knows"),
]  # fmt: skip


@pytest.mark.parametrize("body", ACCEPTED)
def test_a_request_is_accepted(body: dict[str, Any]) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create(**body)

        assert (answer.status, answer.body.get("error")) == (200, None)

    against(test)


REFUSED = [
    pytest.param({"model": ...}, "MissingParameter.model", "model", id="no model"),
    pytest.param({"model": None}, "MissingParameter.model", "model", id="null as model"),
    pytest.param({"model": 7}, INVALID, "model", id="a number as model"),
    pytest.param({"model": "seedance-9"}, "InvalidEndpointOrModel.NotFound", "model", id="an unknown model"),
    pytest.param({"model": "seedance-1-5-pro-251215"}, "InvalidEndpointOrModel.NotFound", "model", id="a model whose service has ended"),
    pytest.param({"resolution": "1080p"}, INVALID, "resolution", id="1080p on fast"),
    pytest.param({"model": NEWEST, "resolution": "4k"}, INVALID, "resolution", id="4k on 2.5"),
    pytest.param({"resolution": "720P"}, INVALID, "resolution", id="a capital P"),
    pytest.param({"resolution": 720}, INVALID, "resolution", id="a number as resolution"),
    pytest.param({"ratio": "2:1"}, INVALID, "ratio", id="an unknown ratio"),
    pytest.param({"model": PRO_10, "ratio": "adaptive"}, INVALID, "ratio", id="adaptive in t2v of 1.0"),
    pytest.param({"model": NEWEST, "content": frames("first_frame")}, UNSUPPORTED, "ratio", id="a ratio beside a frame of 2.5"),
    pytest.param({**EDIT, "duration": None}, UNSUPPORTED, "ratio", id="a ratio of an edit"),
    pytest.param({**EDIT, "ratio": None}, UNSUPPORTED, "duration", id="a length of an edit"),
    pytest.param({**EDIT, **NONE, "content": [text()]}, CONSTRAINT, "omni_reference_task_type", id="an edit of nothing"),
    pytest.param({"omni_reference_task_type": "edit"}, UNSUPPORTED, "omni_reference_task_type", id="an edit on 2.0"),
    pytest.param({"model": NEWEST, "omni_reference_task_type": "x"}, INVALID, "omni_reference_task_type", id="an unknown task type"),
    pytest.param({"duration": 3}, INVALID, "duration", id="3 seconds"),
    pytest.param({"duration": 16}, INVALID, "duration", id="16 seconds"),
    pytest.param({"duration": 4.5}, INVALID, "duration", id="half a second"),
    pytest.param({"duration": "5"}, INVALID, "duration", id="a length as text"),
    pytest.param({"duration": True}, INVALID, "duration", id="true as length"),
    pytest.param({"model": NEWEST, "duration": 31}, INVALID, "duration", id="31 seconds of 2.5"),
    pytest.param({"model": PRO_15, "duration": 13}, INVALID, "duration", id="13 seconds of 1.5"),
    pytest.param({"model": PRO_10, "duration": -1}, INVALID, "duration", id="1.0 chooses no length"),
    pytest.param({"frames": 57}, UNSUPPORTED, "frames", id="frames on 2.0"),
    pytest.param({"model": PRO_10, "frames": 30}, INVALID, "frames", id="30 frames"),
    pytest.param({"model": PRO_10, "frames": 293}, INVALID, "frames", id="293 frames"),
    pytest.param({"seed": -2}, INVALID, "seed", id="a seed below -1"),
    pytest.param({"seed": 2**32}, INVALID, "seed", id="too large a seed"),
    pytest.param({"seed": 1.5}, INVALID, "seed", id="a seed with a fraction"),
    pytest.param({"camera_fixed": True}, UNSUPPORTED, "camera_fixed", id="a fixed camera on 2.0"),
    pytest.param({"camera_fixed": "true"}, INVALID, "camera_fixed", id="a flag as text"),
    pytest.param({"watermark": 1}, INVALID, "watermark", id="a flag as number"),
    pytest.param({"generate_audio": 0}, INVALID, "generate_audio", id="sound as number"),
    pytest.param({"model": PRO_10, "generate_audio": True}, UNSUPPORTED, "generate_audio", id="sound on 1.0"),
    pytest.param({"service_tier": "flex"}, UNSUPPORTED, "service_tier", id="flex on 2.0"),
    pytest.param({"service_tier": "fast"}, INVALID, "service_tier", id="an unknown tier"),
    pytest.param({"execution_expires_after": 3599}, INVALID, "execution_expires_after", id="expiry too early"),
    pytest.param({"execution_expires_after": 259_201}, INVALID, "execution_expires_after", id="expiry too late"),
    pytest.param({"priority": 10}, INVALID, "priority", id="too high a priority"),
    pytest.param({"model": PRO_15, "priority": 1}, UNSUPPORTED, "priority", id="a priority on 1.5"),
    pytest.param({"safety_identifier": "x" * 65}, INVALID, "safety_identifier", id="65 characters"),
    pytest.param({"draft": True}, UNSUPPORTED, "draft", id="a draft of 2.0"),
    pytest.param({"model": NEWEST_VE, "draft": True}, UNSUPPORTED, "draft", id="a draft of 2.5 on Volcano Engine"),
    pytest.param({"model": PRO_15, "draft": True, "resolution": "720p"}, INVALID, "resolution", id="a draft at 720p"),
    pytest.param({"model": PRO_15, "draft": True, "return_last_frame": True}, UNSUPPORTED, "return_last_frame", id="the last frame of a draft of 1.5"),
    pytest.param({"model": PRO_15, "draft": True, "service_tier": "flex"}, UNSUPPORTED, "service_tier", id="a draft in flex"),
    pytest.param({"tools": [{"type": "magic"}]}, INVALID, "tools", id="an unknown tool"),
    pytest.param({"tools": "web_search"}, INVALID, "tools", id="a tool as text"),
    pytest.param({"model": PRO_15, "tools": [{"type": "web_search"}]}, UNSUPPORTED, "tools", id="a search on 1.5"),
    pytest.param({"output_format": "mov"}, UNSUPPORTED, "output_format", id="mov of 2.0"),
    pytest.param({"output_format": "gif"}, INVALID, "output_format", id="gif"),
    pytest.param({"callback_url": "here"}, INVALID, "callback_url", id="a callback that is no URL"),
    pytest.param({"content": ...}, "MissingParameter.content", "content", id="no content"),
    pytest.param({"content": []}, "MissingParameter.content", "content", id="empty content"),
    pytest.param({"content": "a kite"}, INVALID, "content", id="content as text"),
    pytest.param({"content": [7]}, INVALID, "content[0]", id="a number as item"),
    pytest.param({"content": [text(" ")]}, "MissingParameter.content.text", "content.text", id="blank text alone"),
    pytest.param({"content": [{"type": "text"}]}, "MissingParameter.content[0].text", "content[0].text", id="no text in a text"),
    pytest.param({"content": [{"type": "text", "text": 7}]}, INVALID, "content[0].text", id="a number as text"),
    pytest.param({"content": [{"type": "mask"}]}, INVALID, "content[0].type", id="an unknown type"),
    pytest.param({"content": [{"type": "image_url"}]}, "MissingParameter.content[0].image_url", "content[0].image_url", id="an image without payload"),
    pytest.param({"content": [{"type": "image_url", "image_url": "https://a.b/c.png"}]}, INVALID, "content[0].image_url", id="an image as a bare string"),
    pytest.param({"content": [image("mask")]}, INVALID, "content[0].role", id="an unknown role"),
    pytest.param({"content": [REFERENCE, medium("video", "https://a.b/c.mp4", "reference_image")]}, INVALID, "content[1].role", id="an image's role on a clip"),
    pytest.param({"content": [image(None, "")]}, "InvalidImageURL.EmptyURL", "content[0].image_url.url", id="an empty URL"),
    pytest.param({"content": [image(None, "ftp://a.b/c")]}, "InvalidImageURL.InvalidFormat", "content[0].image_url.url", id="an ftp address"),
    pytest.param({"content": [image(None, "data:image/PNG;base64,AAAA")]}, "InvalidImageURL.InvalidFormat", "content[0].image_url.url", id="an image type in capitals"),
    pytest.param({"content": [image(None, "data:image/png;base64,AAAA")]}, INVALID, "content[0].image_url.url", id="data that are no picture"),
    pytest.param({"content": [image(None, picture(299, 300))]}, INVALID, "content[0].image_url.url", id="too small a picture"),
    pytest.param({"content": [image(None, picture(760, 300))]}, INVALID, "content[0].image_url.url", id="too wide a picture"),
    pytest.param({"content": [video("data:video/mp4;base64,AAAA")]}, INVALID, "content[0].video_url.url", id="a clip as data"),
    pytest.param({"content": [REFERENCE, audio("x")]}, INVALID, "content[1].audio_url.url", id="a sound that is no URL"),
    pytest.param({"content": [image("reference_image", "asset://missing-1")]}, INVALID, "content[0].image_url.url", id="an asset that is not there"),
    pytest.param({"content": [image("reference_image", "asset://asset-video-1")]}, INVALID, "content[0].image_url.url", id="an asset of another kind"),
    pytest.param({"content": frames(None, None)}, INVALID, "content[1].image_url", id="two images without roles"),
    pytest.param({"content": [image(None), video()]}, INVALID, "content[0].image_url", id="an image without a role beside a clip"),
    pytest.param({"content": frames("first_frame", "reference_image")}, INVALID, "content", id="scenes mixed"),
    pytest.param({"content": [image("first_frame"), audio()]}, INVALID, "content", id="a frame and a sound"),
    pytest.param({"content": frames("last_frame")}, INVALID, "content", id="a last frame alone"),
    pytest.param({"content": frames("first_frame", "first_frame")}, INVALID, "content", id="two first frames"),
    pytest.param({"content": many(10, REFERENCE)}, INVALID, "content", id="ten references"),
    pytest.param({"content": many(4, video())}, INVALID, "content", id="four clips"),
    pytest.param({"content": many(4, audio(), REFERENCE)}, INVALID, "content", id="four sounds"),
    pytest.param({"content": [text(), audio()]}, INVALID, "content", id="a sound alone on 2.0"),
    pytest.param({"model": PRO_15, "content": [REFERENCE]}, INVALID, "content[0].image_url", id="a reference on 1.5"),
    pytest.param({"model": NEWEST, "ratio": None, "content": [*many(30, REFERENCE), *[video()] * 10, *[audio()] * 10, REFERENCE]}, INVALID, "content", id="more than fifty media on 2.5"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "param"), REFUSED)
def test_a_request_is_refused_with_a_code_and_one_field(
    body: dict[str, Any], code: str, param: str
) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create(**body)

        assert error(answer) == (ark_errors.status_of(code), code, param)
        assert await ark.listed() == []

    against(test)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"duration": 99}, "the parameter `duration` specified in the request is not supported for model dreamina-seedance-2-0-fast."),
        ({"frames": 57}, "not valid for model dreamina-seedance-2-0-fast in t2v"),
        ({"frames": 57, "content": [video()]}, "not valid for model dreamina-seedance-2-0-fast in r2v"),
        ({"content": many(10, REFERENCE)}, "expected at most 9 reference images but got 10"),
        ({"content": frames("first_frame", "reference_image")}, "first/last frame content cannot be mixed with reference media content"),
        ({"content": frames(None, None)}, "role must be specified for image contents"),
        ({"content": frames("mask")}, "invalid role specified for image content"),
        ({"content": [audio()]}, "reference_audio cannot be the only reference input"),
        ({"content": [video("data:video/mp4;base64,AAAA")]}, "reference_video must be provided as a web url"),
        ({"content": [image("reference_image", "asset://missing-1")]}, "the specified asset missing-1 is not found"),
    ],
)  # fmt: skip
def test_a_message_has_the_key_phrase_of_the_reference(body: dict[str, Any], words: str) -> None:
    async def test(ark: Ark) -> None:
        assert words in (await ark.create(**body)).body["error"]["message"]

    against(test)


def test_clips_of_ours_are_measured_one_by_one_and_together() -> None:
    async def test(ark: Ark) -> None:
        long = (await ark.result("long", duration=15))["content"]["video_url"]
        short = (await ark.result("short", duration=4))["content"]["video_url"]
        alone = await ark.create(content=[video(long)])
        both = await ark.create(content=[video(long), video(short)])
        ark.wall.pass_(86_400)
        late = await ark.create(content=[video(short)])

        assert alone.status == 200
        assert "≤ 15.2 for model" in both.body["error"]["message"]
        assert error(late) == (400, INVALID, "content[0].video_url.url")

    against(test)


def test_the_last_picture_of_a_task_is_a_first_frame_for_another() -> None:
    async def test(ark: Ark) -> None:
        first = await ark.result(return_last_frame=True, ratio="1:1")
        frame = image("first_frame", first["content"]["last_frame_url"])
        second = await ark.result(content=[frame], ratio=None)

        assert second["ratio"] == "1:1"

    against(test)


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("a kite --rs 720p --rt 9:16 --dur 6 --seed 5", ("720p", "9:16", 6, 5)),
        ("a kite --resolution 720p --ratio 1:1 --duration 7 --seed 9", ("720p", "1:1", 7, 9)),
        ("a kite --rs 720p --nonsense 3 --rt 5:9 --seed 9", ("720p", "16:9", 5, 9)),
    ],
    ids=["short names", "long names", "what is wrong is ignored"],
)
def test_old_flags_at_the_end_of_a_prompt_are_parameters(
    prompt: str, shown: tuple[object, ...]
) -> None:
    async def test(ark: Ark) -> None:
        found = await ark.result(prompt, resolution=None, ratio=None, duration=None)
        ledger = await ark.sim.ledger()

        assert tuple(found[key] for key in ("resolution", "ratio", "duration", "seed")) == shown
        assert ledger["tasks"][0]["prompt"] == "a kite"

    against(test)


@pytest.mark.parametrize(
    ("tail", "param"),
    [
        ("--dur 99", "content[0].text.duration"),
        ("--dur x", "content[0].text.duration"),
        ("--rs 8k", "content[0].text.resolution"),
    ],
)
def test_of_old_flags_only_resolution_and_duration_are_judged(tail: str, param: str) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create(f"a kite {tail}", resolution=None, duration=None)

        assert error(answer) == (400, INVALID, param)

    against(test)


def test_a_parameter_wins_over_an_old_flag() -> None:
    async def test(ark: Ark) -> None:
        assert (await ark.result("a kite --dur 9", duration=4))["duration"] == 4

    against(test)


@pytest.mark.parametrize(
    ("prompt", "text", "flags"),
    [
        ("a -- b", "a -- b", {}),
        ("a --rs 720p b", "a --rs 720p b", {}),
        ("--dur 5", "", {"duration": 5}),
        ("a --cf true --wm FALSE", "a", {"camera_fixed": True, "watermark": False}),
        ("a --cf yes", "a", {}),
        ("a --seed -1", "a", {"seed": -1}),
        ("a --dur 4 --dur 6", "a", {"duration": 6}),
    ],
)
def test_a_tail_of_flags_is_cut_off(prompt: str, text: str, flags: dict[str, object]) -> None:
    assert ark_flags.split(prompt) == (text, flags)


def test_the_models_of_both_clouds_are_known() -> None:
    names = set(models())

    assert {BP, FAST, VE, NEWEST, NEWEST_VE, PRO_10, PRO_15} <= names
    assert all(model.slug == name for name, model in models().items())


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InputAudioSensitiveContentDetected.PolicyViolation", 400),
        ("OperationDenied.ServiceOverdue", 403),
        ("ModelNotOpen", 404),
        ("ModelAccountTpmRateLimitExceeded", 429),
        ("QuotaExceeded.AgentPlanQuotaExceeded", 429),
        ("InternalServiceError", 500),
        ("Nonsense", None),
    ],
)
def test_a_code_has_the_status_of_the_reference(code: str, status: int | None) -> None:
    assert ark_errors.status_of(code) == status
