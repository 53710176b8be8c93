"""The JSON of a frame: RFC 8259 without the ambiguities (PROTOCOL.md, sections 1 and 2)."""

import json
import re
from typing import Any, Final, NoReturn, cast

import orjson

from gatehouse_worker.wire.limits import MAX_DEPTH
from gatehouse_worker.wire.violation import ProtocolViolation


def parse_message(body: bytes | bytearray) -> dict[str, object]:
    """Read one frame's JSON.

    Raises ProtocolViolation with BAD_UTF8, BAD_JSON, TOO_DEEP or DUPLICATE_KEY.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_strictly(body)
    # Every key has a colon, so with no more colons than the message and its headers have keys, none
    # came twice and no other object has any: only `[` can make it deeper than two objects and an
    # empty one. That settles nearly all messages without a closer look.
    fields: dict[str, Any] = message
    if type(message) is dict:
        keys = len(fields)
        headers = fields.get("headers")
        if type(headers) is dict:
            keys += len(headers)  # pyright: ignore[reportUnknownArgumentType] - of any type
        if body.count(b":") == keys and body.count(b"[") <= MAX_DEPTH - 3:
            return fields
    return _parse_strictly(body)


def _parse_strictly(body: bytes | bytearray) -> dict[str, object]:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ProtocolViolation("BAD_UTF8", "The JSON of a frame is not UTF-8.") from error
    has_duplicate = False

    def collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal has_duplicate
        members = dict(pairs)
        has_duplicate = has_duplicate or len(members) != len(pairs)
        return members

    try:
        message = json.loads(text, object_pairs_hook=collect, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ProtocolViolation("TOO_DEEP", _TOO_DEEP) from error
    except ValueError as error:
        raise ProtocolViolation("BAD_JSON", "The JSON of a frame does not parse.") from error
    if not isinstance(message, dict):
        raise ProtocolViolation("BAD_JSON", "The JSON of a frame is not an object.")
    if _depth(text) > MAX_DEPTH:
        raise ProtocolViolation("TOO_DEEP", _TOO_DEEP)
    if has_duplicate:
        raise ProtocolViolation("DUPLICATE_KEY", "An object in a frame has a key twice.")
    return cast("dict[str, object]", message)


_TOO_DEEP: Final = f"The JSON of a frame is deeper than {MAX_DEPTH}."
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_BRACKET: Final = re.compile(r"[\[\]{}]")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _depth(valid_json: str) -> int:
    """How deep JSON that is known to be valid nests; also counts what a duplicate key hides."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", valid_json)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
