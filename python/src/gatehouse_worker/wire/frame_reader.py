"""The incremental frame reader: bytes in, frames out, no sockets."""

from collections.abc import Callable
from typing import Final, TypeAlias

from gatehouse_worker.wire.limits import MAX_FRAME_BYTES, MAX_JSON_BYTES, MAX_SEGMENTS
from gatehouse_worker.wire.message_json import parse_message
from gatehouse_worker.wire.violation import ProtocolViolation


OnFrame: TypeAlias = Callable[[dict[str, object], list[memoryview]], None]
"""Gets each frame: the JSON object and the raw bytes that followed it."""


class FrameReader:
    """Reads frames from a stream of bytes that arrives in any pieces (PROTOCOL.md, section 1).

    A caller has the stream written into `buffer()` and says with `advance()` how much came; `on_frame`
    gets what that completes, in order. Bytes of small frames pass through one fixed buffer; a long
    part is received straight into memory of its own size. So nothing is copied more than once, time
    is linear in the bytes, and nothing is allocated for a length before it is checked. After a
    ProtocolViolation the reader is of no use.
    """

    def __init__(self, on_frame: OnFrame, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self.max_frame_bytes = max_frame_bytes
        self._on_frame = on_frame
        self._shared = memoryview(bytearray(_SHARED_BYTES))
        self._start = 0
        self._end = 0
        self._own: memoryview | None = None
        self._own_filled = 0
        self._read_part = self._read_length
        self._needed = _LENGTH_BYTES
        self._message: dict[str, object] = {}
        self._lengths: list[int] = []

    def buffer(self) -> memoryview:
        """Where the next bytes of the stream go; never empty."""
        if self._own is not None:
            return self._own[self._own_filled :]
        return self._shared[self._end :]

    def advance(self, count: int) -> None:
        """Take `count` bytes written to `buffer()` and hand on the frames that they complete.

        Raises ProtocolViolation at the first byte from which the stream cannot become valid, after
        the frames before it were handed on; what `on_frame` raises passes through.
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
        """Say that the stream ended. Raises ProtocolViolation TRUNCATED when that was in a frame."""
        if self._own is not None or self._start != self._end or self._needed != _LENGTH_BYTES:
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
        message = parse_message(bytes(part))
        lengths = message.get("segments")
        if not lengths:
            if lengths is not None and type(lengths) is not list:
                raise ProtocolViolation("BAD_SEGMENTS", "`segments` is not an array.")
            self._needed = _LENGTH_BYTES
            self._read_part = self._read_length
            self._on_frame(message, [])
            return
        self._needed = self._checked_sum(lengths)
        self._message = message
        self._read_part = self._read_segments
        if self._needed == 0:
            self._read_segments(memoryview(b""))

    def _checked_sum(self, lengths: object) -> int:
        if type(lengths) is not list or len(lengths) > MAX_SEGMENTS:
            raise ProtocolViolation(
                "BAD_SEGMENTS", f"`segments` is not an array of at most {MAX_SEGMENTS}."
            )
        total = 0
        for length in lengths:
            if type(length) is not int or length < 0:
                raise ProtocolViolation("BAD_SEGMENTS", "A segment's length is no integer from 0.")
            total += length
        if total > self.max_frame_bytes:
            raise ProtocolViolation(
                "BAD_SEGMENTS",
                f"The segments have {total} bytes, more than {self.max_frame_bytes}.",
            )
        self._lengths = lengths
        return total

    def _read_segments(self, part: memoryview) -> None:
        # A part in the shared buffer is overwritten by what comes next, one of its own is not.
        own = part if self._end == 0 else memoryview(bytes(part))
        segments: list[memoryview] = []
        offset = 0
        for length in self._lengths:
            segments.append(own[offset : offset + length])
            offset += length
        self._needed = _LENGTH_BYTES
        self._read_part = self._read_length
        self._on_frame(self._message, segments)


_LENGTH_BYTES: Final = 4

_SHARED_BYTES: Final = 256 * 1024

_OWN_FROM_BYTES: Final = 64 * 1024
"""A part that still misses this much gets memory of its own."""
