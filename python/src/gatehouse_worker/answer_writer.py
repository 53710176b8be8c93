"""Turns answers into frames and has the I/O thread send them."""

import asyncio
from collections.abc import Sequence
from typing import Final

from gatehouse_worker.answers import RESULT_TOO_LARGE, Answer, Failure, Reply, StreamEnd
from gatehouse_worker.connection import Connection, Pieces
from gatehouse_worker.execution.call import StreamItem, UnaryItem
from gatehouse_worker.outbox import Outbox
from gatehouse_worker.wire.encode import (
    DoesNotFitError,
    encode_chunk,
    encode_end,
    encode_message,
    encode_result,
)


class AnswerWriter:
    """Sends each request's one end, and the chunks before it.

    `settle`, `wake` and `fail` may be called by any thread, the rest by the I/O thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection) -> None:
        self.max_frame_bytes = 0
        """What the daemon takes at most; known after its `hello`."""
        self._connection: Final = connection
        self._outbox: Final = Outbox(loop, self.advance)
        self._held: Final[dict[int, StreamItem]] = {}

    def settle(self, items: Sequence[UnaryItem]) -> None:
        """Send the ends of requests that are no streams, in one write."""
        pieces: list[bytes | memoryview] = []
        request_ids: list[int] = []
        for item in items:
            request_id = item.infer.id
            request_ids.append(request_id)
            pieces += self._encode(request_id, item.answer)
        self._connection.send(pieces, request_ids)

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
            self._connection.send(encode_chunk(request_id, output.next_seq(), chunk))
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

    def _start(self, item: StreamItem) -> None:
        if item.output.start():
            message = {
                "type": "start",
                "id": item.infer.id,
                "status": 200,
                "headers": item.route.headers,
            }
            self._connection.send([encode_message(message)])

    def _end(self, request_id: int, pieces: Pieces) -> None:
        self._held.pop(request_id, None)
        self._connection.send(pieces, [request_id])

    def _encode(self, request_id: int, answer: Answer) -> Pieces:
        if isinstance(answer, Reply):
            try:
                return encode_result(
                    request_id,
                    answer.status,
                    answer.headers,
                    answer.segments,
                    self.max_frame_bytes,
                )
            except DoesNotFitError:
                answer = RESULT_TOO_LARGE
        return [_encode_failure(request_id, answer)]


def _encode_failure(request_id: int, failure: Failure) -> bytes:
    return encode_message(
        {"type": "error", "id": request_id, "code": failure.code, "message": failure.message}
    )
