"""The socket to the daemon: bytes in on one thread at a time, frames out from any thread."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, TypeAlias

from gatehouse_worker.wakeable_poll import WakeablePoll
from gatehouse_worker.wire.frame_reader import FrameReader
from gatehouse_worker.wire.messages import DaemonMessage, read_daemon_message
from gatehouse_worker.wire.violation import ProtocolViolation

Pieces: TypeAlias = Sequence[bytes | memoryview]
"""Whole frames, to be written one after the other."""


class Listener(Protocol):
    """Who uses a connection. All but `received` and `ending` is called on the I/O thread."""

    def received(self, message: DaemonMessage, segments: Sequence[memoryview]) -> None:
        """Take a message and what followed it, on the thread that reads, one after the other.

        A ProtocolViolation of it ends the connection.
        """
        ...

    def ending(self, request_ids: Sequence[int]) -> None:
        """Take note that the ends of these requests are written next."""
        ...

    def writable(self) -> None:
        """Go on writing: the socket took what was held back."""
        ...

    def violated(self, violation: ProtocolViolation) -> None:
        """The daemon broke the protocol; nothing more comes."""
        ...

    def lost(self) -> None:
        """The connection is closed, by whichever side."""
        ...


class Connection:
    """Receives straight into the frame reader's memory; sends at once what the socket takes.

    The I/O thread reads between `watch` and `unwatch`, any other that calls `read_next`; never two
    at once. The thread that has an answer writes it itself: handing it to the I/O thread would cost
    more than all else that happens to a small request. What the socket does not take waits here,
    bounded by who writes: an answer for each open request, and streams look at `is_writable`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: Listener) -> None:
        self.reader: Final = FrameReader(read_daemon_message, listener.received)
        self._loop: Final = loop
        self._listener: Final = listener
        self._socket: socket.socket | None = None
        self._poll: WakeablePoll | None = None
        self._reading: Final = threading.Lock()
        """Held by the thread that reads. Taken before `_lock`, where both are."""
        self._lock: Final = threading.Lock()
        self._waiting: Final[deque[bytes | memoryview]] = deque()
        self._waiting_bytes = 0
        self._is_closing = False

    @property
    def is_writable(self) -> bool:
        """Whether a stream may go on writing."""
        return self._waiting_bytes < _HIGH_WATER_BYTES

    def attach(self, connected: socket.socket) -> None:
        """Begin with a connected, non-blocking socket, which the I/O thread watches."""
        self._socket = connected
        self._poll = WakeablePoll(connected)
        self.watch()

    def watch(self) -> None:
        """Have the I/O thread read whatever comes; on the I/O thread."""
        if self._socket is not None:
            self._loop.add_reader(self._socket.fileno(), self._read_watched)

    def unwatch(self) -> None:
        """Have another thread read; on the I/O thread."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())

    def read_next(self, timeout_s: float | None) -> None:
        """Wait for what comes next and hand it on here, on a thread that is not the I/O thread.

        Returns early after `wake_reader`, too.
        """
        if self._poll is None:
            raise RuntimeError("The connection is not attached.")
        with self._reading:
            if not self._poll.wait(timeout_s):
                return
            end = self._read()
        if end is not None:
            self._poll.forget_socket()
            self._loop.call_soon_threadsafe(end)

    def wake_reader(self) -> None:
        """Have `read_next` return, now or the next time; any other thread calls it."""
        if self._poll is not None:
            self._poll.wake()

    def send(self, pieces: Pieces, ends: Sequence[int] = ()) -> None:
        """Send whole frames, from any thread; `ends` are the requests that they end."""
        self._lock.acquire()  # half the price of `with`, and every answer pays it
        try:
            if ends:
                # In the lock, so that nobody who sees a request gone can close before its end.
                self._listener.ending(ends)
            if self._socket is None:
                return
            if not self._waiting:
                pieces = _send_some(self._socket, pieces)
                if not pieces:
                    return
                self._loop.call_soon_threadsafe(self._wait_until_writable)
            self._waiting.extend(pieces)
            self._waiting_bytes += sum(map(len, pieces))
        finally:
            self._lock.release()

    def close(self) -> None:
        """Send what is not sent yet, then close as soon as the daemon has; on the I/O thread."""
        with self._lock:
            self._is_closing = True
            if self._waiting:
                return
        self._linger()

    def _read_watched(self) -> None:
        if not self._reading.acquire(blocking=False):
            self.unwatch()  # whoever reads sees this too
            return
        try:
            end = self._read()
        finally:
            self._reading.release()
        if end is not None:
            end()

    def _read(self) -> Callable[[], None] | None:
        """Read what has come. Gives what the I/O thread must do when nothing can come any more."""
        try:
            while (connected := self._socket) is not None:
                buffer = self.reader.buffer()
                count = connected.recv_into(buffer)
                if count == 0:
                    self.reader.end()
                    return self._shut
                self.reader.advance(count)
                if count < len(buffer):
                    return None
        except BlockingIOError:
            return None
        except ProtocolViolation as violation:
            return partial(self._listener.violated, violation)
        except OSError:
            pass
        return self._shut

    def _wait_until_writable(self) -> None:
        if self._socket is not None:
            self._loop.add_writer(self._socket.fileno(), self._flush)

    def _flush(self) -> None:
        with self._lock:
            if self._socket is None:
                return
            rest = _send_some(self._socket, list(self._waiting))
            self._waiting.clear()
            self._waiting.extend(rest)
            self._waiting_bytes = sum(map(len, rest))
            if rest:
                return
            self._loop.remove_writer(self._socket.fileno())
        if self._is_closing:
            self._linger()
        else:
            self._listener.writable()

    def _linger(self) -> None:
        # A daemon that writes to a closed socket is told so at once, and reads no more of what was
        # sent before. So this only says that nothing more comes, and reads on (RFC 9112, 9.6).
        if self._socket is not None:
            with suppress(OSError):  # the daemon has closed already
                self._socket.shutdown(socket.SHUT_WR)
            self.watch()
            self._loop.call_later(_LINGER_S, self._shut)

    def _shut(self) -> None:
        with self._lock:
            connected, self._socket = self._socket, None
            self._waiting.clear()
        if connected is not None:
            self._loop.remove_reader(connected.fileno())
            self._loop.remove_writer(connected.fileno())
            connected.close()
            self._listener.lost()


def _send_some(connected: socket.socket, pieces: Pieces) -> Pieces:
    """Send what the socket takes now; gives what it did not take."""
    try:
        if len(pieces) == 1:
            piece = pieces[0]
            sent = connected.send(piece)
            return [] if sent == len(piece) else [memoryview(piece)[sent:]]
        sent = connected.sendmsg(pieces[:_MAX_PIECES])
    except BlockingIOError:
        return pieces
    except OSError:
        # The daemon is gone. The reading side notices that, and ends the connection.
        return []
    for number, piece in enumerate(pieces):
        if sent < len(piece):
            return [memoryview(piece)[sent:], *pieces[number + 1 :]]
        sent -= len(piece)
    return []


_LINGER_S: Final = 1.0
"""How long the daemon has to close, once nothing more comes."""

_HIGH_WATER_BYTES: Final = 1024 * 1024
"""Streams hold back while more than this waits for the socket."""

_MAX_PIECES: Final = 1024
"""What one `sendmsg` takes at most (IOV_MAX)."""
