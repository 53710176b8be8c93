"""What the worker sends, as bytes ready for the socket (PROTOCOL.md, sections 1, 4)."""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from gatehouse_worker.wire.limits import MAX_JSON_BYTES, MAX_SEGMENTS


class DoesNotFitError(Exception):
    """A message's JSON or its segments are more than a frame can hold."""


def encode_message(message: Mapping[str, object]) -> bytes:
    """Encode a message without segments. Raises DoesNotFitError over 1 MiB."""
    return _with_length(orjson.dumps(message))


def encode_result(
    request_id: int,
    status: int,
    headers: Mapping[str, str],
    segments: Sequence[bytes | memoryview],
    max_frame_bytes: int,
) -> list[bytes | memoryview]:
    """Encode a `result` as the pieces to be written one after the other.

    Raises DoesNotFitError when the segments have more than `max_frame_bytes`, are more than 64, or
    the headers are over 1 MiB.
    """
    if status == _OK and headers is JSON_HEADERS and len(segments) == 1:
        body = segments[0]
        size = len(body)
        if size > max_frame_bytes:
            raise DoesNotFitError
        text = _JSON_RESULT % (request_id, size)
        prefix = _PACK_LENGTH(len(text)) + text
        return [prefix, body] if size > _JOIN_BYTES else [prefix + body]
    lengths = [len(segment) for segment in segments]
    if sum(lengths) > max_frame_bytes or len(lengths) > MAX_SEGMENTS:
        raise DoesNotFitError
    prefix = encode_message(
        {
            "type": "result",
            "id": request_id,
            "status": status,
            "headers": headers,
            "segments": lengths,
        }
    )
    return [prefix, *segments]


def encode_chunk(request_id: int, seq: int, data: bytes | memoryview) -> list[bytes | memoryview]:
    """Encode a `chunk` of one segment as the pieces to be written one after the other."""
    return [_with_length(_CHUNK % (request_id, seq, len(data))), data]


def encode_end(request_id: int) -> bytes:
    """Encode the `end` of a stream."""
    return _with_length(_END % request_id)


def encode_pong(ping_id: int) -> bytes:
    """Encode the answer to a `ping`."""
    return _with_length(_PONG % ping_id)


JSON_HEADERS: Final[Mapping[str, str]] = {"content-type": "application/json"}
"""The headers of nearly every result; a result that has this very object is encoded faster."""

_PACK_LENGTH: Final = struct.Struct(">I").pack

_OK: Final = 200

_JOIN_BYTES: Final = 4096
"""A body shorter than this is cheaper to copy than to be written as a piece of its own."""

_JSON_RESULT: Final = (
    b'{"type":"result","id":%d,"status":200,"headers":{"content-type":"application/json"},'
    b'"segments":[%d]}'
)
_CHUNK: Final = b'{"type":"chunk","id":%d,"seq":%d,"segments":[%d]}'
_END: Final = b'{"type":"end","id":%d}'
_PONG: Final = b'{"type":"pong","id":%d}'


def _with_length(body: bytes) -> bytes:
    if len(body) > MAX_JSON_BYTES:
        raise DoesNotFitError
    return _PACK_LENGTH(len(body)) + body
