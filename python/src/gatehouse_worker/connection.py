"""The socket to the daemon: frames in, bytes out, on the I/O thread."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, cast

from gatehouse_worker.wire.frame_reader import FrameReader
from gatehouse_worker.wire.messages import DaemonMessage, Infer, read_daemon_message
from gatehouse_worker.wire.violation import ProtocolViolation


class Listener(Protocol):
    """Who uses a connection."""

    def received(self, message: DaemonMessage) -> None:
        """Take a message. A ProtocolViolation that it raises ends the connection."""
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


class Connection(asyncio.BufferedProtocol):
    """Receives straight into the frame reader's memory and tells its listener what came."""

    def __init__(self, listener: Listener) -> None:
        self.reader: Final = FrameReader(read_daemon_message, self._on_message)
        self.is_writable = True
        self._listener: Final = listener
        self._transport: asyncio.Transport | None = None

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Send whole frames, in pieces; nothing after the connection closed."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(pieces)

    def close(self) -> None:
        """Send what is not sent yet, then close."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start; asyncio calls it."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Say where received bytes go; asyncio calls it."""
        return self.reader.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take received bytes; asyncio calls it."""
        try:
            self.reader.advance(nbytes)
        except ProtocolViolation as violation:
            self._fail(violation)

    def eof_received(self) -> None:
        """Take the end of the stream; asyncio calls it, and closes."""
        try:
            self.reader.end()
        except ProtocolViolation as violation:
            self._fail(violation)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Take the end of the connection; asyncio calls it."""
        self._listener.lost()

    def pause_writing(self) -> None:
        """Hold back; asyncio calls it when the daemon does not read."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """Go on; asyncio calls it when the daemon has read."""
        self.is_writable = True
        self._listener.writable()

    def _on_message(self, message: DaemonMessage, segments: list[memoryview]) -> None:
        if isinstance(message, Infer):
            message.segments = segments
        self._listener.received(message)

    def _fail(self, violation: ProtocolViolation) -> None:
        self._listener.violated(violation)


_HIGH_WATER_BYTES: Final = 1024 * 1024
"""Streams hold back while more than this waits in the socket's buffer."""
