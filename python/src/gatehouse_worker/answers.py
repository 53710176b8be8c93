"""How one request can end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

FailureCode = Literal[
    "BAD_REQUEST",
    "MODEL_ERROR",
    "RESULT_TOO_LARGE",
    "DEADLINE_EXCEEDED",
    "CANCELLED",
    "INTERNAL",
]
"""The codes of `error` (PROTOCOL.md, section 4)."""


@dataclass(slots=True)
class Reply:
    """A whole answer: becomes `result`."""

    status: int
    headers: Mapping[str, str]
    segments: Sequence[bytes | memoryview]


@dataclass(frozen=True, slots=True)
class Failure:
    """Becomes `error`; `message` is meant for the caller."""

    code: FailureCode
    message: str


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """All chunks of a stream are out: becomes `end`."""


Answer: TypeAlias = Reply | Failure

CANCELLED = Failure("CANCELLED", "The request was cancelled.")
DEADLINE_EXCEEDED = Failure("DEADLINE_EXCEEDED", "The deadline passed before the model began.")
MODEL_ERROR = Failure("MODEL_ERROR", "The model failed on this request.")
RESULT_TOO_LARGE = Failure("RESULT_TOO_LARGE", "The model's answer is larger than a frame may be.")
STREAM_END = StreamEnd()
