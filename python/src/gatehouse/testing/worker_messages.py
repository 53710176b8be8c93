"""What a worker may send, field by field (PROTOCOL.md, section 4), as the daemon checks it."""

import re
from collections.abc import Callable
from typing import Any, Final, cast

from gatehouse_worker.wire.fields import bad_field, headers_field, integer_field, string_field
from gatehouse_worker.wire.limits import MAX_CHUNK_BYTES, PROTOCOL_VERSION
from gatehouse_worker.wire.violation import ProtocolViolation

Message = dict[str, Any]

FIELD_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def read_worker_message(message: dict[str, object], lengths: list[int]) -> Message:
    """Check a message of a worker; `lengths` are those of its segments.

    Raises ProtocolViolation with UNKNOWN_TYPE, BAD_FIELD or BAD_SEGMENTS.
    """
    kind = message.get("type")
    check = _CHECKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise ProtocolViolation("UNKNOWN_TYPE", "A message has no type that a daemon receives.")
    check(message)
    if lengths and kind not in ("result", "chunk"):
        raise ProtocolViolation("BAD_SEGMENTS", f"A `{kind}` carries no segments.")
    if kind == "chunk" and sum(lengths) > MAX_CHUNK_BYTES:
        raise ProtocolViolation("BAD_SEGMENTS", f"A chunk is longer than {MAX_CHUNK_BYTES} bytes.")
    return message


def _check_hello(message: dict[str, object]) -> None:
    # Nothing else can be said of a hello in another version.
    if integer_field(message, "protocol", 0) == PROTOCOL_VERSION:
        string_field(message, "nonce")
        integer_field(message, "pid", 1)
        string_field(message, "sdk")


def _check_ready(message: dict[str, object]) -> None:
    string_field(message, "name")
    _check_list(message, "methods", lambda name: isinstance(name, str))
    _check_list(message, "inputs", _is_tensor)
    _check_list(message, "outputs", _is_tensor)
    integer_field(message, "maxBatch", 1)
    integer_field(message, "concurrency", 1)


def _check_failed(message: dict[str, object]) -> None:
    string_field(message, "code")
    string_field(message, "message")


def _check_result(message: dict[str, object]) -> None:
    integer_field(message, "id", 1)
    integer_field(message, "status", 200, 599)
    if not all(FIELD_VALUE.fullmatch(value) for value in headers_field(message).values()):
        raise bad_field("headers", "an object of what HTTP headers hold")


def _check_error(message: dict[str, object]) -> None:
    integer_field(message, "id", 1)
    string_field(message, "code")
    string_field(message, "message")


def _check_chunk(message: dict[str, object]) -> None:
    integer_field(message, "id", 1)
    integer_field(message, "seq", 0)


def _check_id(message: dict[str, object]) -> None:
    integer_field(message, "id", 1)


def _check_health(message: dict[str, object]) -> None:
    integer_field(message, "id", 1)
    status = string_field(message, "status")
    if status not in ("ok", "failed", "skipped"):
        raise ProtocolViolation("BAD_FIELD", "`status` of `health` is unknown.")
    if status == "failed":
        string_field(message, "message")


def _check_list(message: dict[str, object], name: str, is_good: Callable[[object], bool]) -> None:
    value = message.get(name)
    if not isinstance(value, list) or not all(map(is_good, cast("list[object]", value))):
        raise ProtocolViolation("BAD_FIELD", f"`{name}` is not a list of what it should hold.")


def _is_tensor(value: object) -> bool:
    match value:
        case {"name": str(), "datatype": str(), "shape": list()}:
            lengths = cast("dict[str, list[object]]", value)["shape"]
            return all(type(length) is int and length >= -1 for length in lengths)
        case _:
            return False


_CHECKS: Final[dict[str, Callable[[dict[str, object]], None]]] = {
    "hello": _check_hello,
    "ready": _check_ready,
    "failed": _check_failed,
    "result": _check_result,
    "error": _check_error,
    "start": _check_result,
    "chunk": _check_chunk,
    "end": _check_id,
    "pong": _check_id,
    "health": _check_health,
}
