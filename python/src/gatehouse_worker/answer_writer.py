"""Turns answers into frames and has the I/O thread send them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from gatehouse_worker.answers import RESULT_TOO_LARGE, Answer, Failure, Reply, StreamEnd
from gatehouse_worker.connection import Connection
from gatehouse_worker.execution.call import StreamItem, UnaryItem
from gatehouse_worker.outbox import Outbox
from gatehouse_worker.wire.encode import (
    DoesNotFitError,
    encode_chunk,
    encode_end,
    encode_message,
    encode_result,
)

Pieces: TypeAlias = Sequence[bytes | memoryview]


class AnswerWriter:
    """Sends each request's one end, and the chunks before it.

    `settle` and `wake` may be called by any thread, the rest by the I/O thread. `on_end` is called
    there just before an end is written.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        on_end: Callable[[int], None],
    ) -> None:
        self.max_frame_bytes = 0
        """What the daemon takes at most; known after its `hello`."""
        self._connection: Final = connection
        self._on_end: Final = on_end
        self._outbox: Final = Outbox[tuple[int, Pieces] | StreamItem](loop, self._deliver)
        self._held: Final[dict[int, StreamItem]] = {}

    def settle(self, item: UnaryItem, answer: Answer) -> None:
        """Send the end of a request that is no stream."""
        self._outbox.put((item.infer.id, self._encode(item.infer.id, answer)))

    def wake(self, item: StreamItem) -> None:
        """Have `advance` called on the I/O thread: the model has written or has come to the end."""
        self._outbox.put(item)

    def advance(self, item: StreamItem) -> None:
        """Send what a stream has and may send; its end when all is out."""
        request_id, output = item.infer.id, item.output
        if not self._connection.is_writable and not output.is_cancelled:
            self._held[request_id] = item
            return
        while (chunk := output.next_chunk()) is not None:
            self._start(item)
            self._connection.write(encode_chunk(request_id, output.next_seq(), chunk))
        end = output.take_end()
        if isinstance(end, StreamEnd):
            self._start(item)
            self._end(request_id, [encode_end(request_id)])
        elif end is not None:
            self.fail(request_id, end)

    def fail(self, request_id: int, failure: Failure) -> None:
        """End a request with `error`."""
        self._end(request_id, [_encode_failure(request_id, failure)])

    def writable(self) -> None:
        """Go on with the streams that were held back."""
        held = list(self._held.values())
        self._held.clear()
        for item in held:
            self.advance(item)

    def _deliver(self, message: tuple[int, Pieces] | StreamItem) -> None:
        if isinstance(message, StreamItem):
            self.advance(message)
        else:
            self._end(*message)

    def _start(self, item: StreamItem) -> None:
        if item.output.start():
            message = {
                "type": "start",
                "id": item.infer.id,
                "status": 200,
                "headers": item.route.headers,
            }
            self._connection.write([encode_message(message)])

    def _end(self, request_id: int, pieces: Pieces) -> None:
        self._held.pop(request_id, None)
        self._on_end(request_id)
        self._connection.write(pieces)

    def _encode(self, request_id: int, answer: Answer) -> Pieces:
        if isinstance(answer, Reply):
            try:
                return encode_result(
                    request_id,
                    answer.status,
                    answer.headers,
                    answer.segments,
                    max_frame_bytes=self.max_frame_bytes,
                )
            except DoesNotFitError:
                answer = RESULT_TOO_LARGE
        return [_encode_failure(request_id, answer)]


def _encode_failure(request_id: int, failure: Failure) -> bytes:
    return encode_message(
        {"type": "error", "id": request_id, "code": failure.code, "message": failure.message}
    )
