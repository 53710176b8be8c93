"""The bytes of one stream between the model's thread, which writes them, and the I/O thread."""

import threading
from collections import deque
from collections.abc import Callable

from gatehouse_worker.answers import CANCELLED, Failure, StreamEnd
from gatehouse_worker.wire.limits import MAX_CHUNK_BYTES


class StreamOutput:
    """Holds what a stream has written and credit does not let out yet: about one chunk, no more.

    Whatever is there when a chunk goes out goes into it, so a fast model fills few large chunks and
    a slow one is heard at once. `write` and `finish` belong to the model's thread, the rest to the
    I/O thread. `on_dirty` is called, by either, when the I/O thread has something to do; `on_room`,
    by the I/O thread, when a writer that found no room may go on.
    """

    def __init__(self, credit: int) -> None:
        self.on_dirty: Callable[[], object] = _nobody
        self.on_room: Callable[[], object] | None = None
        self.is_cancelled = False
        self._lock = threading.Lock()
        self._events: deque[bytes | memoryview] = deque()
        self._size = 0
        self._credit = credit
        self._end: StreamEnd | Failure | None = None
        self._announced = False
        self._seq = 0
        self._is_started = False

    def start(self) -> bool:
        """Whether nothing of the stream was sent before; True only once."""
        is_first, self._is_started = not self._is_started, True
        return is_first

    def next_seq(self) -> int:
        """Number the chunks, from 0."""
        seq, self._seq = self._seq, self._seq + 1
        return seq

    def write(self, event: bytes) -> bool:
        """Add one event. False when the writer should wait until `has_room`."""
        if self.is_cancelled:
            return True
        with self._lock:
            self._events.append(event)
            self._size += len(event)
            is_full = self._size >= MAX_CHUNK_BYTES
            is_news, self._announced = not self._announced, True
        if is_news:
            self.on_dirty()
        return not is_full

    def has_room(self) -> bool:
        """Whether a writer may go on: there is room, or nobody listens any more."""
        return self._size < MAX_CHUNK_BYTES or self.is_cancelled

    def finish(self, end: StreamEnd | Failure) -> None:
        """Say how the stream ends, after everything written, or at once when it was cancelled."""
        with self._lock:
            self._end = end
            if self.is_cancelled:
                self._drop()
        self.on_dirty()

    def grant(self, chunks: int) -> None:
        """Let `chunks` more chunks out."""
        self._credit += chunks

    def cancel(self) -> None:
        """Drop what is not out yet and what may still come: only the end is left to be taken."""
        with self._lock:
            self.is_cancelled = True
            self._drop()
        self._call_on_room()

    def next_chunk(self) -> bytes | memoryview | None:
        """Take the next chunk, as much as there is up to 256 KiB; None without credit or bytes."""
        with self._lock:
            self._announced = False
            if not self._events or self._credit == 0:
                return None
            self._credit -= 1
            chunk = self._take_chunk()
        self._call_on_room()
        return chunk

    def take_end(self) -> StreamEnd | Failure | None:
        """Take how the stream ends, once, after the last chunk is out."""
        with self._lock:
            if self._events:
                return None
            end, self._end = self._end, None
        if end is not None:
            # Whoever is called usually holds this output: a circle that would keep it.
            self.on_dirty = _nobody
        return end

    def _drop(self) -> None:
        if self._events and self._end is not None:
            self._end = CANCELLED  # a stream that lost something did not come to its own end
        self._events.clear()
        self._size = 0

    def _take_chunk(self) -> bytes | memoryview:
        if self._size <= MAX_CHUNK_BYTES:
            chunk = self._events[0] if len(self._events) == 1 else b"".join(self._events)
            self._events.clear()
            self._size = 0
            return chunk
        pieces: list[bytes | memoryview] = []
        room = MAX_CHUNK_BYTES
        while room > 0:
            event = self._events.popleft()
            if len(event) > room:
                event, rest = memoryview(event)[:room], memoryview(event)[room:]
                self._events.appendleft(rest)
            pieces.append(event)
            room -= len(event)
        self._size -= MAX_CHUNK_BYTES
        return b"".join(pieces)

    def _call_on_room(self) -> None:
        on_room = self.on_room  # looked at once: the writer takes it back when it finds room itself
        if on_room is not None and self.has_room():
            on_room()


def _nobody() -> None:
    """Stands in until the output is connected."""
