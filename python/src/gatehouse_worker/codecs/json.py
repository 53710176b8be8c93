"""Route `json`: any JSON in, the model's JSON out, or as server-sent events."""

from typing import Any, Final

import orjson

from gatehouse import ClientError
from gatehouse_worker.answers import Reply
from gatehouse_worker.codecs.route import StreamRoute, UnaryRoute
from gatehouse_worker.wire.encode import JSON_HEADERS
from gatehouse_worker.wire.messages import Infer


def decode_body(request: Infer) -> Any:
    """Parse segment 0. Raises ClientError when it is missing, no JSON, or deeper than an answer.

    Or when it may not be read in what is left of its time: whoever parses holds the interpreter's
    lock, and a worker that is silent for longer than a call may take is killed. Raises MemoryError
    when there is not enough for it: that is not the caller's fault.
    """
    body = request.segments[0] if request.segments else b""
    containers = 0
    if len(body) > 2 * _MAX_DEPTH:
        containers = _count(body, b"[", b"{")
    if len(body) > _QUICK_BYTES:
        read_ms = containers * _CONTAINER_MS + _count(body, b",") * _VALUE_MS
        if read_ms > request.timeout_ms:
            raise ClientError(
                f"The body holds too many values to be read in the {request.timeout_ms} ms that "
                "are left: send fewer at once, or have the model's timeout_ms raised."
            )
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith("Not enough memory"):  # orjson has no other error for it
            raise MemoryError(error.msg) from error
        where = f"line {error.lineno}, column {error.colno}" if len(body) else "it is empty"
        raise ClientError(f"The body is not JSON: {where}.") from error
    if containers > _MAX_DEPTH and _is_deep(value):
        raise ClientError(f"The body is nested deeper than {_MAX_DEPTH} levels.")
    return value


def encode_result(value: Any) -> Reply:
    """Write a result as JSON; numpy's arrays and numbers too. Raises TypeError for what is none."""
    return Reply(200, JSON_HEADERS, (orjson.dumps(value, option=_OPTIONS),))


def encode_event(value: Any) -> bytes:
    """Write one server-sent event. Raises TypeError for what is no JSON."""
    return b"data: %b\n\n" % orjson.dumps(value, option=_OPTIONS)


def _count(body: bytes | memoryview, *marks: bytes) -> int:
    # In pieces: whoever frees a whole copy has the allocator keep as much for the next time.
    count = 0
    for start in range(0, len(body), _PIECE_BYTES):
        piece = bytes(body[start : start + _PIECE_BYTES])
        for mark in marks:
            count += piece.count(mark)
    return count


def _is_deep(value: Any) -> bool:
    # orjson finds that out far faster than Python could: it refuses to write beyond its own limit.
    for _ in range(_ORJSON_WRITES_LEVELS - _MAX_DEPTH):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True
    return False


_QUICK_BYTES: Final = 1_000_000
"""What is shorter is read in under 0.2 s, whatever it holds."""

_CONTAINER_MS: Final = 0.000_6
_VALUE_MS: Final = 0.000_15
"""As much as orjson took, or more, for 60 MB of `[],`, `[[]],`, `{"a":1},`, `1,` and `"ab",`."""

_PIECE_BYTES: Final = 65_536

_ORJSON_WRITES_LEVELS: Final = 254
_MAX_DEPTH: Final = 200
"""orjson reads deeper than it writes; what a model wraps around its input must fit in between."""

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY

PREDICT = UnaryRoute("predict", decode_body, encode_result)
STREAM = StreamRoute("stream", decode_body, {"content-type": "text/event-stream"}, encode_event)
