"""Every way in which a provider fails, as the references list them: what is tried on which wire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seedrender.sim.faults import FAULTS, WIRES, Stage

# what ark.md 7.2 lists, row by row, each code with what may stand after its dot
ARK_CODES = (
    *("MissingParameter", "MissingParameter.model"),
    *("InvalidParameter", "InvalidParameter.duration", "InvalidParameter.UnsupportedParameter"),
    *("InvalidParameter.TaskTypeConstraint", "InvalidParameter.TaskTypeMismatch"),
    *("InvalidImageURL.EmptyURL", "InvalidImageURL.InvalidFormat"),
    "InvalidEndpoint.ClosedEndpoint",
    *("SensitiveContentDetected", "SensitiveContentDetected.SevereViolation"),
    "SensitiveContentDetected.Violence",
    *(f"Input{kind}SensitiveContentDetected" for kind in ("Text", "Image", "Video", "Audio")),
    "InputTextSensitiveContentDetected.PolicyViolation",
    "InputImageSensitiveContentDetected.PrivacyInformation",
    "InputVideoSensitiveContentDetected.PrivacyInformation",
    *("InputTextRiskDetection", "InputImageRiskDetection", "ContentSecurityDetectionError"),
    *("AuthenticationError", "InvalidAccountStatus", "AccessDenied"),
    *(
        f"OperationDenied.{why}"
        for why in ("PermissionDenied", "ServiceNotOpen", "ServiceOverdue", "InvalidState")
    ),
    "AccountOverdueError",
    *("InvalidEndpointOrModel.NotFound", "InvalidEndpointOrModel.ModelIDAccessDisabled"),
    *("ModelNotOpen", "UnsupportedModel", "NotFound.Model"),
    "InvalidAction.RunningTaskDeletion",
    *(f"RateLimitExceeded.Endpoint{kind}Exceeded" for kind in ("RPM", "TPM", "FlexTPM")),
    *(f"ModelAccount{kind}RateLimitExceeded" for kind in ("Rpm", "Tpm", "Ipm", "FlexTpm")),
    *("APIAccountRpmRateLimitExceeded", "AccountRateLimitExceeded", "RequestBurstTooFast"),
    *("ServerOverloaded", "InflightBatchsizeExceeded"),
    *("QuotaExceeded", "QuotaExceeded.AgentPlanQuotaExceeded", "SetLimitExceeded"),
    "InternalServiceError",
)
ARK_OUTPUT_CODES = (
    *(f"Output{kind}SensitiveContentDetected" for kind in ("Text", "Image", "Video", "Audio")),
    "OutputVideoSensitiveContentDetected.PolicyViolation",
    *("OutputTextRiskDetection", "OutputImageRiskDetection"),
    *("InvalidParameter.TaskTypeMismatch", "InputImageSensitiveContentDetected"),
)
ARK_FOR_EVER = ("ServerOverloaded", "InvalidEndpoint.ClosedEndpoint")  # passing, as a rule
# modellix.md 7.1 and 7.2: what a submit may be answered with; 7.3: a read
SUBMIT_STATUSES = (
    *(400, 401, 402, 403, 404, 405, 413, 415, 422, 429),
    *(301, 307, 408, 409, 425, 500, 502, 503, 504),
)
READ_STATUSES = (400, 401, 403, 404, 408, 410, 429, 500, 502, 503, 504, 302)

REFUSALS_IN_200 = (400, 402, 429, 500)
# what each wire may name as its cost: sums of money, or numbers of tokens
AMOUNTS = {
    "modellix": ("-0.276", "1e13", "1e-50", "123456789012345678901234"),
    "ark": ("-1", "1e13", "0.5", "123456789012345678901234"),
}
DONE_WORDS = ("COMPLETED", "Finished", "in_orbit")  # the last one is of nobody
FAIL_WORDS = ("error", "FAILURE", "timed-out")
RUN_WORDS = ("IN_PROGRESS",)
ENCODINGS = ("gzip", "deflate", "zstd", "aws-chunked")

# what the simulator does not do by itself: it is another simulator, or not there at all
ELSEWHERE = {
    "refused": (Stage.SUBMIT, "nobody listens at the provider's address"),
    "no-host": (Stage.SUBMIT, "the provider's name is not found (DNS)"),
    "no-tls": (Stage.SUBMIT, "the provider's host does not speak TLS"),
    "wrong-key": (Stage.SUBMIT, "401: the key is wrong"),
    "used-up": (Stage.SUBMIT, "402: the balance does not cover the job, and cannot be read"),
    "short-credit": (Stage.SUBMIT, "the balance does not cover the job, and says so beforehand"),
    "two-places": (Stage.SUBMIT, "429 above two running tasks, for three jobs at once"),
    "retry-after": (Stage.SUBMIT, "429 with `Retry-After`; no task"),
    "file-in-the-way": (Stage.SUBMIT, "a file that no record explains lies in the clip's place"),
    "stderr-full": (Stage.SUBMIT, "what is told goes to a disk that is full"),
    "hold-removed": (Stage.TASK, "the hold file is removed after the first of two submits"),
    "forgotten": (Stage.POLL, "the task is unknown (404) eight days after it was bought"),
}
TAKES = {"two-places": 3, "same-id": 2, "hold-removed": 2}  # of the one shot; else 1
ONLY_MODELLIX = ("used-up", "short-credit", "two-places")


@dataclass(frozen=True, slots=True)
class Case:
    """One fault on one wire: a mark for the prompt, or a world of its own."""

    wire: str
    stage: Stage
    name: str  # of the mark, or of a world
    text: str  # what the provider does
    is_marked: bool = True

    @property
    def id(self) -> str:
        return f"{self.wire} {self.name}"

    @property
    def shown(self) -> str:
        return f"`[sim:{self.name}]`" if self.is_marked else self.name.replace("-", " ")


def cases() -> Sequence[Case]:
    """Return every fault, in the order of a job's life."""
    found = {case.id: case for wire in WIRES for case in _of(wire)}
    order = list(Stage)
    return sorted(
        found.values(), key=lambda case: (order.index(case.stage), WIRES.index(case.wire))
    )


def _of(wire: str) -> Iterator[Case]:
    for name, fault in FAULTS.items():
        if wire in fault.wires and not (fault.takes_status or fault.takes):
            yield Case(wire, fault.stage, name, fault.text)
    for status in SUBMIT_STATUSES:
        yield Case(wire, Stage.SUBMIT, f"status={status}", f"{status} and no reason; no task")
    for status in REFUSALS_IN_200:
        text = f"200, and the code in its envelope is {status}; no task"
        yield Case(wire, Stage.SUBMIT, f"refuse-200={status}", text)
    if wire == "ark":
        yield from _codes(wire)
    yield from _values(wire)
    for status in READ_STATUSES:
        text = f"the first read of a task answers {status}"
        yield Case(wire, Stage.POLL, f"poll-status={status}", text)
    for name, (stage, text) in ELSEWHERE.items():
        if wire == "modellix" or name not in ONLY_MODELLIX:
            yield Case(wire, stage, name, text, is_marked=False)


def _values(wire: str) -> Iterator[Case]:
    given = {
        "amount": AMOUNTS[wire],
        "done-word": DONE_WORDS,
        "fail-word": FAIL_WORDS,
        "run-word": RUN_WORDS,
        "encoded": ENCODINGS,
    }
    for name, values in given.items():
        for value in values:
            yield Case(wire, FAULTS[name].stage, f"{name}={value}", FAULTS[name].text)


def _codes(wire: str) -> Iterator[Case]:
    for code in ARK_CODES:
        text = "it is refused with this code; no task"
        yield Case(wire, Stage.SUBMIT, f"refuse-once={code}", text)
    for code in ARK_FOR_EVER:
        text = "every submit is refused with this code; no task"
        yield Case(wire, Stage.SUBMIT, f"refuse={code}", text)
    for code in (*ARK_OUTPUT_CODES, "InternalServiceError"):
        yield Case(wire, Stage.TASK, f"fail={code}", "the task fails with this code")
