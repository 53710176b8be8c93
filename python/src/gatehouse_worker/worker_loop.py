"""A worker between daemon and model: the daemon's messages in, the model's answers out."""

import asyncio
import faulthandler
import gc
import hmac
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from gatehouse import ClientError, __version__
from gatehouse_worker.answer_writer import AnswerWriter
from gatehouse_worker.answers import CANCELLED
from gatehouse_worker.codecs.find_route import find_route
from gatehouse_worker.codecs.route import UnaryRoute
from gatehouse_worker.connection import Connection
from gatehouse_worker.conversation import Conversation, Phase
from gatehouse_worker.execution.call import Item, StreamItem, UnaryItem
from gatehouse_worker.execution.call_watch import watch_calls
from gatehouse_worker.execution.failures import failure_of, readable
from gatehouse_worker.execution.model_host import ModelBusyError, ModelHost
from gatehouse_worker.execution.stream_output import StreamOutput
from gatehouse_worker.execution.work_queue import WorkQueue
from gatehouse_worker.load_class import load_class
from gatehouse_worker.log import STDERR, log_without_lock
from gatehouse_worker.reading import Reading
from gatehouse_worker.settings import Settings
from gatehouse_worker.wire.encode import encode_message, encode_pong
from gatehouse_worker.wire.limits import PROTOCOL_VERSION
from gatehouse_worker.wire.messages import (
    Cancel,
    Check,
    Credit,
    DaemonMessage,
    Drain,
    Hello,
    Infer,
    Ping,
)
from gatehouse_worker.wire.violation import ProtocolViolation


class WorkerLoop:
    """Serves one connection until it ends, then calls `leave`, once, with the exit code."""

    def __init__(
        self,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        leave: Callable[[int], None],
    ) -> None:
        self.connection: Final = Connection(loop, self)
        self._settings: Final = settings
        self._loop: Final = loop
        self._leave: Final = leave
        self._conversation: Final = Conversation(settings.concurrency * settings.max_batch)
        self._writer: Final = AnswerWriter(loop, self.connection)
        self._queue: Final = WorkQueue(
            max_batch=settings.max_batch, max_wait_s=settings.max_wait_ms / 1000
        )
        self._host: Final = ModelHost(
            load_class=partial(load_class, settings.class_spec),
            concurrency=settings.concurrency,
            queue=self._queue,
            replies=self._writer,
            inbox=Reading(loop, self.connection, self._queue),
        )
        self._items: Final[dict[int, Item]] = {}
        self._is_loaded = False
        self._is_leaving = False
        self._exit_code = 1

    # What the connection tells.

    def received(self, message: DaemonMessage, segments: Sequence[memoryview]) -> None:
        """Act on a message. Raises ProtocolViolation when it may not come now."""
        self._conversation.receive(message)
        match message:
            case Infer():
                message.segments = segments
                self._infer(message)
            case Ping(id=ping_id):
                self.connection.send([encode_pong(ping_id)])
            case Hello():
                self._greet(message)  # nobody but the I/O thread reads before the model is loaded
            case Cancel(id=request_id):
                self._loop.call_soon_threadsafe(self._cancel, request_id)
            case Credit():
                self._loop.call_soon_threadsafe(self._credit, message)
            case Check(id=check_id):
                self._loop.call_soon_threadsafe(self._check, check_id)
            case Drain():
                self._loop.call_soon_threadsafe(self._close_if_drained)

    def ending(self, request_ids: Sequence[int]) -> None:
        """Free the slots; any thread calls it."""
        for request_id in request_ids:
            self._conversation.ended(request_id)
            self._items.pop(request_id, None)
        if self._conversation.is_draining:
            self._loop.call_soon_threadsafe(self._close_if_drained)

    def writable(self) -> None:
        """Go on with what was held back."""
        self._writer.writable()

    def violated(self, violation: ProtocolViolation) -> None:
        """Leave; nobody resynchronises."""
        log_without_lock(f"The daemon broke the protocol: {violation.code}: {violation}")
        self._conversation.closed()
        self._leave(1)

    def lost(self) -> None:
        """Leave, as planned or because the daemon is gone."""
        self._conversation.closed()
        self._leave(self._exit_code)

    # What the messages want.

    def _greet(self, hello: Hello) -> None:
        if hello.protocol != PROTOCOL_VERSION:
            reason = f"The worker speaks version {PROTOCOL_VERSION}, not {hello.protocol}."
            self._fail("PROTOCOL_VERSION", reason)
            return
        half = len(self._settings.nonce) // 2
        theirs, ours = self._settings.nonce[:half], self._settings.nonce[half:]
        if not hmac.compare_digest(hello.nonce.encode(), theirs.encode()):
            log_without_lock("Whoever connected is not the daemon that started this worker.")
            self._leave(1)
            return
        limit = min(hello.max_frame_bytes, self._settings.max_frame_bytes)
        self.connection.reader.max_frame_bytes = self._writer.max_frame_bytes = limit
        self._send(
            type="hello", protocol=PROTOCOL_VERSION, nonce=ours, pid=os.getpid(), sdk=__version__
        )
        self._conversation.greeted()
        self._host.load(self._from_model_thread(self._loaded))
        self._loop.call_later(_WATCH_INTERVAL_S, self._watch)

    def _infer(self, infer: Infer) -> None:
        try:
            route = find_route(infer.route, stream=infer.stream, methods=self._host.methods)
        except ClientError as error:
            self._writer.fail(infer.id, failure_of(error, []))
            return
        now = time.monotonic()
        item: Item
        if isinstance(route, UnaryRoute):
            item = UnaryItem(infer, route, now)
        else:
            item = StreamItem(infer, route, now, StreamOutput(infer.credit))
            item.output.on_dirty = partial(self._writer.wake, item)
        self._items[infer.id] = item
        self._queue.put(item)

    def _cancel(self, request_id: int) -> None:
        item = self._items.get(request_id)
        if item is None or item.is_cancelled:
            return
        item.is_cancelled = True
        if self._queue.cancel(item):
            self._writer.fail(request_id, CANCELLED)
            return
        if isinstance(item, StreamItem):
            item.output.cancel()
            # The model may be through already, with only chunks that waited for credit in between.
            self._writer.advance(item)
        watch_calls(self._queue, time.monotonic(), self._settings.timeout_ms / 1000)

    def _credit(self, credit: Credit) -> None:
        item = self._items.get(credit.id)
        if isinstance(item, StreamItem):
            item.output.grant(credit.n)
            self._writer.advance(item)

    def _check(self, check_id: int) -> None:
        self._host.check(self._from_model_thread(partial(self._checked, check_id)))

    # What the model's thread tells.

    def _from_model_thread(
        self, act: Callable[[BaseException | None], None]
    ) -> Callable[[BaseException | None], object]:
        return partial(self._loop.call_soon_threadsafe, act)

    def _loaded(self, error: BaseException | None) -> None:
        if self._conversation.phase is Phase.CLOSED or self._is_leaving:
            return
        if error is not None:
            log_without_lock("The model did not load.", error)
            self._fail("LOAD_FAILED", readable(error))
            return
        # What a model has loaded stays: out of the collector's way, so that no call waits for it.
        gc.collect()
        gc.freeze()
        self._is_loaded = True
        # First, because what the answer brings may be read by another thread.
        self._conversation.loaded()
        self._send(
            type="ready",
            name=self._settings.name,
            **self._host.describe(),
            maxBatch=self._settings.max_batch,
            concurrency=self._settings.concurrency,
        )

    def _checked(self, check_id: int, error: BaseException | None) -> None:
        self._conversation.checked()
        if error is None:
            self._send(type="health", id=check_id, status="ok")
        elif isinstance(error, ModelBusyError):
            self._send(type="health", id=check_id, status="skipped")
        else:
            log_without_lock("The model says that it is unwell.", error)
            self._send(type="health", id=check_id, status="failed", message=readable(error))

    # The end.

    def _close_if_drained(self) -> None:
        if self._is_leaving or not self._conversation.is_idle:
            return
        self._is_leaving = True
        self._exit_code = 0
        if self._is_loaded:
            self._host.close(self._from_model_thread(self._closed))
        else:
            self.connection.close()

    def _closed(self, error: BaseException | None) -> None:
        if error is not None:
            log_without_lock("The model's `close` failed.", error)
        self.connection.close()

    def _fail(self, code: str, reason: str) -> None:
        self._is_leaving = True
        self._send(type="failed", code=code, message=reason)
        self._loop.call_later(_FAREWELL_S, self._leave, 1)
        self.connection.close()

    def _watch(self) -> None:
        if watch_calls(self._queue, time.monotonic(), self._settings.timeout_ms / 1000):
            log_without_lock("A call is not over in time. Where the threads are:")
            faulthandler.dump_traceback(STDERR)
            self._fail("CALL_TIMEOUT", "A call was not over within the model's timeout.")
            return
        self._loop.call_later(_WATCH_INTERVAL_S, self._watch)

    def _send(self, **message: object) -> None:
        self.connection.send([encode_message(message)])


_WATCH_INTERVAL_S: Final = 0.25

_FAREWELL_S: Final = 1.0
"""How long a daemon that does not read may keep a failed worker."""
