"""The incremental frame reader: bytes in, messages out, no sockets."""

from collections.abc import Callable
from typing import Final, Generic, TypeAlias, TypeVar, cast

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
        self._shared: Final = memoryview(bytearray(_SHARED_BYTES))
        self._start = 0
        self._end = 0
        self._own: memoryview | None = None
        self._own_filled = 0
        self._read_part: Callable[[memoryview], None] = self._read_length
        self._needed = _LENGTH_BYTES
        self._message: _Message | None = None
        self._lengths: list[int] = []

    def buffer(self) -> memoryview:
        """Where the next bytes of the stream go; never empty."""
        if self._own is not None:
            return self._own[self._own_filled :]
        return self._shared[self._end :]

    def advance(self, count: int) -> None:
        """Take `count` bytes written to `buffer()` and hand on the messages that they complete.

        Raises ProtocolViolation at the first part from which the stream cannot become valid, after
        the messages before it were handed on; what the two callbacks raise passes through.
        """
        own = self._own
        if own is not None:
            self._own_filled += count
            if self._own_filled < self._needed:
                return
            self._own = None
            self._read_part(own)
        else:
            self._end += count
        self._read_shared()

    def end(self) -> None:
        """Say that the stream ended. Raises ProtocolViolation TRUNCATED inside a frame."""
        if self._start != self._end or self._read_part != self._read_length or self._own:
            raise ProtocolViolation("TRUNCATED", "The stream ended inside a frame.")

    def _read_shared(self) -> None:
        while (available := self._end - self._start) >= self._needed:
            part = self._shared[self._start : self._start + self._needed]
            self._start += self._needed
            self._read_part(part)
        if available == 0:
            self._start = self._end = 0
        elif self._needed - available >= _OWN_FROM_BYTES:
            own = memoryview(bytearray(self._needed))
            own[:available] = self._shared[self._start : self._end]
            self._own = own
            self._own_filled = available
            self._start = self._end = 0
        elif self._start + self._needed > _SHARED_BYTES:
            # Happens at most once for a part, so a byte moves at most once.
            self._shared[:available] = bytes(self._shared[self._start : self._end])
            self._start, self._end = 0, available

    def _read_length(self, part: memoryview) -> None:
        length = int.from_bytes(part, "big")
        if not 1 <= length <= MAX_JSON_BYTES:
            raise ProtocolViolation(
                "BAD_LENGTH",
                f"A frame has {length} bytes of JSON, allowed are 1 to {MAX_JSON_BYTES}.",
            )
        self._needed = length
        self._read_part = self._read_json

    def _read_json(self, part: memoryview) -> None:
        fields = parse_message(bytes(part))
        lengths = self._checked_lengths(fields["segments"]) if "segments" in fields else []
        self._message = self._read_message(fields, lengths)
        self._lengths = lengths
        self._needed = sum(lengths)
        self._read_part = self._read_segments
        if self._needed == 0:
            self._read_segments(part)

    def _checked_lengths(self, value: object) -> list[int]:
        lengths = cast("list[object]", value) if isinstance(value, list) else None
        if lengths is None or len(lengths) > MAX_SEGMENTS:
            raise ProtocolViolation(
                "BAD_SEGMENTS", f"`segments` is not an array of at most {MAX_SEGMENTS}."
            )
        integers = [length for length in lengths if type(length) is int and length >= 0]
        if len(integers) != len(lengths):
            raise ProtocolViolation("BAD_SEGMENTS", "A segment's length is no integer from 0.")
        if sum(integers) > self.max_frame_bytes:
            raise ProtocolViolation(
                "BAD_SEGMENTS", f"The segments have more than {self.max_frame_bytes} bytes."
            )
        return integers

    def _read_segments(self, part: memoryview) -> None:
        segments: list[memoryview] = []
        if self._lengths:
            # What comes next overwrites the shared buffer, but not a part's own memory.
            is_shared = part.obj is self._shared.obj
            kept = memoryview(bytes(part)) if is_shared else part
            offset = 0
            for length in self._lengths:
                segments.append(kept[offset : offset + length])
                offset += length
        message = cast("_Message", self._message)
        self._message = None
        self._needed = _LENGTH_BYTES
        self._read_part = self._read_length
        self._on_message(message, segments)


_LENGTH_BYTES: Final = 4

_SHARED_BYTES: Final = 256 * 1024

_OWN_FROM_BYTES: Final = 64 * 1024
"""A part that still misses this much gets memory of its own."""
