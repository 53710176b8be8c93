"""The incremental frame reader: bytes in, messages out, no sockets."""

import struct
from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final, Generic, TypeAlias, TypeVar

from gatehouse_worker.wire.limits import MAX_FRAME_BYTES, MAX_JSON_BYTES, MAX_SEGMENTS
from gatehouse_worker.wire.message_json import parse_message
from gatehouse_worker.wire.violation import ProtocolViolation

_Message = TypeVar("_Message")

ReadMessage: TypeAlias = Callable[[dict[str, object], list[int]], _Message]
"""Makes a message of a frame's JSON and the lengths of its segments, before these have come."""

OnMessage: TypeAlias = Callable[[_Message, list[memoryview]], object]
"""Gets each message with the raw bytes that followed it."""


class FrameReader(Generic[_Message]):
    """Reads frames from a stream of bytes that arrives in any pieces (PROTOCOL.md, section 1).

    A caller has the stream written into `buffer()` and says with `advance()` how much came;
    `on_message` gets what that completes, in order. Bytes of small frames pass through one fixed
    buffer; a long part is received straight into memory of its own size. So nothing is copied more
    than twice, time is linear in the bytes, and nothing is allocated for a length before it is
    checked. After a ProtocolViolation the reader is of no use.
    """

    def __init__(
        self,
        read_message: ReadMessage[_Message],
        on_message: OnMessage[_Message],
        max_frame_bytes: int = MAX_FRAME_BYTES,
    ) -> None:
        self.max_frame_bytes = max_frame_bytes
        self._read_message: Final = read_message
        self._on_message: Final = on_message
        self._shared: Final = bytearray(_SHARED_BYTES)
        self._shared_view: Final = memoryview(self._shared)
        self._start = 0
        self._end = 0
        self._own: memoryview | None = None
        self._own_filled = 0
        self._part = _LENGTH
        self._needed = _LENGTH_BYTES
        self._message: Any = None
        """The message whose segments are to come."""
        self._lengths: list[int] = []

    def buffer(self) -> memoryview:
        """Where the next bytes of the stream go; never empty."""
        if self._own is not None:
            return self._own[self._own_filled :]
        return self._shared_view[self._end :] if self._end else self._shared_view

    def advance(self, count: int) -> None:
        """Take `count` bytes written to `buffer()` and hand on the messages that they complete.

        Raises ProtocolViolation at the first part from which the stream cannot become valid, after
        the messages before it were handed on; what the two callbacks raise passes through.
        """
        if self._own is not None:
            self._advance_own(self._own, count)
            return
        # A frame has three parts: length, JSON, and the segments, which may have no bytes.
        shared, start = self._shared, self._start
        self._end = end = self._end + count
        part, needed = self._part, self._needed
        while start + needed <= end:
            at, start = start, start + needed
            if part == _LENGTH:
                (needed,) = _UNPACK_LENGTH(shared, at)
                if not 1 <= needed <= MAX_JSON_BYTES:
                    raise _bad_length(needed)
                part = _JSON
            elif part == _JSON:
                needed = self._read_json(shared[at:start])
                part = _SEGMENTS
            else:
                # What comes next overwrites the shared buffer, so this is copied.
                self._hand_on(memoryview(shared[at:start]))
                needed, part = _LENGTH_BYTES, _LENGTH
        self._part, self._needed = part, needed
        if start == end:
            self._start = self._end = 0
        else:
            self._start = start
            self._make_room()

    def end(self) -> None:
        """Say that the stream ended. Raises ProtocolViolation TRUNCATED inside a frame."""
        if self._part != _LENGTH or self._start != self._end:
            raise ProtocolViolation("TRUNCATED", "The stream ended inside a frame.")

    def _advance_own(self, own: memoryview, count: int) -> None:
        self._own_filled += count
        if self._own_filled < self._needed:
            return
        self._own = None
        if self._part == _JSON:
            self._needed = self._read_json(bytes(own))
            self._part = _SEGMENTS
        else:
            self._hand_on(own)
            self._needed, self._part = _LENGTH_BYTES, _LENGTH
        self.advance(0)  # segments of no bytes are there already

    def _make_room(self) -> None:
        available = self._end - self._start
        if self._needed - available >= _OWN_FROM_BYTES:
            self._own = memoryview(bytearray(self._needed))
            self._own[:available] = self._shared_view[self._start : self._end]
            self._own_filled = available
            self._start = self._end = 0
        elif self._start + self._needed > _SHARED_BYTES:
            # Happens at most once for a part, so a byte moves at most once.
            self._shared[:available] = self._shared[self._start : self._end]
            self._start, self._end = 0, available

    def _read_json(self, text: bytes | bytearray) -> int:
        """Read a message; gives how many bytes follow it."""
        fields = parse_message(text)
        lengths, total = self._checked_lengths(fields.get("segments", _NO_SEGMENTS))
        self._message = self._read_message(fields, lengths)
        self._lengths = lengths
        return total

    def _hand_on(self, bodies: memoryview) -> None:
        message, self._message = self._message, None
        lengths = self._lengths
        self._on_message(message, [bodies] if len(lengths) == 1 else _cut(bodies, lengths))

    def _checked_lengths(self, value: Any) -> tuple[list[int], int]:
        """Give the lengths of the segments and their sum."""
        lengths: list[int] = value
        if type(value) is list:
            total = 0
            for length in lengths:
                if type(length) is not int or length < 0:
                    break
                total += length
            else:
                if len(lengths) <= MAX_SEGMENTS and total <= self.max_frame_bytes:
                    return lengths, total
        raise ProtocolViolation(
            "BAD_SEGMENTS",
            f"`segments` is not a list of at most {MAX_SEGMENTS} integers from 0, "
            f"together at most {self.max_frame_bytes}.",
        )


_LENGTH, _JSON, _SEGMENTS = range(3)
"""What the next bytes are."""

_NO_SEGMENTS: Final[list[int]] = []

_LENGTH_BYTES: Final = 4
_UNPACK_LENGTH: Final[Callable[[bytearray, int], tuple[int]]] = struct.Struct(">I").unpack_from

_SHARED_BYTES: Final = 256 * 1024

_OWN_FROM_BYTES: Final = 64 * 1024
"""A part that still misses this much gets memory of its own."""


def _bad_length(length: int) -> ProtocolViolation:
    return ProtocolViolation(
        "BAD_LENGTH", f"A frame has {length} bytes of JSON, allowed are 1 to {MAX_JSON_BYTES}."
    )


def _cut(bodies: memoryview, lengths: list[int]) -> list[memoryview]:
    ends = accumulate(lengths)
    return [bodies[end - size : end] for end, size in zip(ends, lengths, strict=True)]
