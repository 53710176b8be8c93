"""Route `json`: any JSON in, the model's JSON out, or as server-sent events."""

from typing import Any

import orjson

from gatehouse import ClientError
from gatehouse_worker.answers import Reply
from gatehouse_worker.codecs.route import StreamRoute, UnaryRoute
from gatehouse_worker.wire.encode import JSON_HEADERS
from gatehouse_worker.wire.messages import Infer


def decode_body(request: Infer) -> Any:
    """Parse segment 0. Raises ClientError when it is missing or no JSON."""
    body = request.segments[0] if request.segments else b""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if len(body) else "it is empty"
        raise ClientError(f"The body is not JSON: {where}.") from error


def encode_result(value: Any) -> Reply:
    """Write a result as JSON; numpy's arrays and numbers too. Raises TypeError for what is none."""
    return Reply(200, JSON_HEADERS, (orjson.dumps(value, option=_OPTIONS),))


def encode_event(value: Any) -> bytes:
    """Write one server-sent event. Raises TypeError for what is no JSON."""
    return b"data: %b\n\n" % orjson.dumps(value, option=_OPTIONS)


_OPTIONS = orjson.OPT_SERIALIZE_NUMPY

PREDICT = UnaryRoute("predict", decode_body, encode_result)
STREAM = StreamRoute("stream", decode_body, {"content-type": "text/event-stream"}, encode_event)
