"""What the daemon sends: one class a message, with every field checked (PROTOCOL.md, section 4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from gatehouse_worker.wire.fields import bad_field, headers_field, integer_field, string_field
from gatehouse_worker.wire.limits import MAX_FRAME_BYTES, MAX_INTEGER, PROTOCOL_VERSION
from gatehouse_worker.wire.violation import ProtocolViolation


@dataclass(frozen=True, slots=True)
class Hello:
    """The daemon's first message. `nonce` proves that it started this worker."""

    protocol: int
    nonce: str
    max_frame_bytes: int


@dataclass(slots=True)
class Infer:
    """One request, whole. `timeout_ms` is what is left of the caller's deadline."""

    id: int
    route: str
    stream: bool
    credit: int
    timeout_ms: int
    headers: dict[str, str]
    segments: Sequence[memoryview] = ()
    """The body; set when it has come."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody waits for request `id` any more."""

    id: int


@dataclass(frozen=True, slots=True)
class Credit:
    """`n` chunks more may be sent for request `id`."""

    id: int
    n: int


@dataclass(frozen=True, slots=True)
class Ping:
    """To be answered by a `pong` with the same id."""

    id: int


@dataclass(frozen=True, slots=True)
class Check:
    """To be answered by a `health` with the same id, after the model's own check."""

    id: int


@dataclass(frozen=True, slots=True)
class Drain:
    """No `infer` comes any more: finish, then leave."""


DaemonMessage: TypeAlias = Hello | Infer | Cancel | Credit | Ping | Check | Drain


def read_daemon_message(message: dict[str, object], lengths: list[int]) -> DaemonMessage:
    """Turn a frame's JSON into the message it is; `lengths` are those of its segments.

    Raises ProtocolViolation with UNKNOWN_TYPE, BAD_FIELD or, for segments on a message that carries
    none, BAD_SEGMENTS.
    """
    kind = message.get("type")
    if kind == "infer":
        return _read_infer(message)
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise ProtocolViolation("UNKNOWN_TYPE", "A message has no type that a worker receives.")
    if lengths:
        raise ProtocolViolation("BAD_SEGMENTS", f"A `{kind}` carries no segments.")
    return read(message)


def _read_infer(message: dict[str, object]) -> Infer:
    # Its fields are checked here and not by `fields`: of nearly all messages the calls cost most.
    try:
        request_id, route, stream = message["id"], message["route"], message["stream"]
        credit, timeout_ms = message["credit"], message["timeoutMs"]
    except KeyError as missing:
        raise ProtocolViolation("BAD_FIELD", f"An `infer` has no {missing}.") from missing
    if type(request_id) is not int or not 1 <= request_id <= MAX_INTEGER:
        raise bad_field("id", f"an integer from 1 to {MAX_INTEGER}")
    if type(route) is not str:
        raise bad_field("route", "a string")
    if type(stream) is not bool:
        raise bad_field("stream", "a boolean")
    if type(credit) is not int or not 0 <= credit <= (MAX_INTEGER if stream else 0):
        raise bad_field("credit", f"an integer from 0 to {MAX_INTEGER}, or 0 without `stream`")
    if type(timeout_ms) is not int or not 1 <= timeout_ms <= MAX_INTEGER:
        raise bad_field("timeoutMs", f"an integer from 1 to {MAX_INTEGER}")
    return Infer(request_id, route, stream, credit, timeout_ms, headers_field(message))


def _read_hello(message: dict[str, object]) -> Hello:
    protocol = integer_field(message, "protocol", 0)
    if protocol != PROTOCOL_VERSION:
        # Nothing else can be said of a hello in another version.
        return Hello(protocol, "", MAX_FRAME_BYTES)
    return Hello(
        protocol=protocol,
        nonce=string_field(message, "nonce"),
        max_frame_bytes=integer_field(message, "maxFrameBytes", 1, MAX_FRAME_BYTES),
    )


def _read_cancel(message: dict[str, object]) -> Cancel:
    return Cancel(integer_field(message, "id", 1))


def _read_credit(message: dict[str, object]) -> Credit:
    return Credit(integer_field(message, "id", 1), integer_field(message, "n", 1))


def _read_ping(message: dict[str, object]) -> Ping:
    return Ping(integer_field(message, "id", 1))


def _read_check(message: dict[str, object]) -> Check:
    return Check(integer_field(message, "id", 1))


def _read_drain(_message: dict[str, object]) -> Drain:
    return Drain()


_READERS: Final[dict[str, Callable[[dict[str, object]], DaemonMessage]]] = {
    "hello": _read_hello,
    "cancel": _read_cancel,
    "credit": _read_credit,
    "ping": _read_ping,
    "check": _read_check,
    "drain": _read_drain,
}
