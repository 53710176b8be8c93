"""The daemon's end of the wire protocol: blocking, and strict about what a worker sends."""

import select
import socket
from collections import deque
from collections.abc import Mapping
from typing import Final

import orjson

from gatehouse.testing.daemon_conversation import DaemonConversation
from gatehouse.testing.errors import WorkerEndedError
from gatehouse.testing.worker_messages import Message, read_worker_message
from gatehouse_worker.wire.frame_reader import FrameReader
from gatehouse_worker.wire.limits import MAX_FRAME_BYTES, PROTOCOL_VERSION

Received = tuple[Message, list[bytes]]
"""A message's JSON and its segments."""


class WireClient:
    """Speaks to one worker over a connected socket."""

    def __init__(self, connected: socket.socket, timeout_s: float = 30) -> None:
        """`timeout_s` bounds every single read and write."""
        connected.settimeout(timeout_s)
        self.socket: Final = connected
        self._received: Final[deque[Received]] = deque()
        self._conversation: Final = DaemonConversation()
        self._reader: Final = FrameReader(read_worker_message, self._on_message)

    def hello(self, nonce: str, protocol: int = PROTOCOL_VERSION) -> None:
        """Introduce oneself as the daemon that gave the worker its 64-digit nonce."""
        self.send(
            {
                "type": "hello",
                "protocol": protocol,
                "nonce": nonce[: len(nonce) // 2],
                "maxFrameBytes": MAX_FRAME_BYTES,
            }
        )

    def infer(
        self,
        request_id: int,
        body: bytes,
        *,
        stream: bool = False,
        credit: int = 0,
        timeout_ms: int = 30_000,
        route: str = "json",
    ) -> None:
        """Send a request."""
        message = {
            "type": "infer",
            "id": request_id,
            "route": route,
            "stream": stream,
            "credit": credit,
            "timeoutMs": timeout_ms,
            "headers": {"content-type": "application/json"},
            "segments": [len(body)],
        }
        self.send(message, body)

    def send(self, message: Mapping[str, object], body: bytes = b"") -> None:
        """Send any message, also a forbidden one."""
        text = orjson.dumps(message)
        self._conversation.sent(dict(message))
        self.socket.sendall(len(text).to_bytes(4, "big") + text + body)

    def receive(self) -> Received:
        """Give the next message.

        Raises WorkerEndedError at the end of the stream, ProtocolViolation when the worker broke
        the protocol.
        """
        while not self._received:
            count = self.socket.recv_into(self._reader.buffer())
            if count == 0:
                self.socket.close()
                self._reader.end()
                raise WorkerEndedError("The worker closed the connection.")
            self._reader.advance(count)
        return self._received.popleft()

    def receive_within(self, seconds: float) -> Received | None:
        """Give the next message if one comes in time; otherwise as `receive`."""
        if not self._received and not select.select([self.socket], [], [], seconds)[0]:
            return None
        return self.receive()

    def is_at_end(self) -> bool:
        """Whether the worker closed the connection, without another message."""
        try:
            self.receive()
        except (WorkerEndedError, ConnectionError):
            return True
        return False

    def read_to_the_end(self) -> None:
        """Take whatever still comes until the worker closes the connection. Raises as `receive`."""
        while not self.is_at_end():
            pass

    def _on_message(self, message: Message, segments: list[memoryview]) -> None:
        self._conversation.received(message)
        self._received.append((message, [bytes(segment) for segment in segments]))
