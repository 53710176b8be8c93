"""The fields of a message, each checked for its type and range. Every function raises BAD_FIELD."""

from typing import Any

from gatehouse_worker.wire.limits import MAX_INTEGER
from gatehouse_worker.wire.violation import ProtocolViolation


def integer_field(
    message: dict[str, object], name: str, least: int, most: int = MAX_INTEGER
) -> int:
    """Give an integer from `least` to `most`."""
    value = message.get(name)
    if type(value) is int and least <= value <= most:
        return value
    raise bad_field(name, f"an integer from {least} to {most}")


def string_field(message: dict[str, object], name: str) -> str:
    """Give a string."""
    value = message.get(name)
    if type(value) is str:
        return value
    raise bad_field(name, "a string")


def headers_field(message: dict[str, object]) -> dict[str, str]:
    """Give `headers`, an object of strings."""
    value: Any = message.get("headers")
    headers: dict[str, str] = value
    if type(value) is not dict:
        raise bad_field("headers", "an object of strings")
    for text in headers.values():
        if type(text) is not str:
            raise bad_field("headers", "an object of strings")
    return headers


def bad_field(name: str, expected: str) -> ProtocolViolation:
    """Say what a field should be, in the violation to raise."""
    return ProtocolViolation("BAD_FIELD", f"`{name}` is not {expected}.")
