"""Runs a model whose methods are plain functions: one call at a time on each thread."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from gatehouse import Cancelled, ClientError
from gatehouse.cancellation import current_scope
from gatehouse_worker.answers import (
    CANCELLED,
    DEADLINE_EXCEEDED,
    STREAM_END,
    Failure,
    StreamEnd,
)
from gatehouse_worker.execution.batch import (
    accept_results,
    checked_results,
    decode_items,
    reject_items,
)
from gatehouse_worker.execution.call import Call, Job, StreamItem, UnaryItem, Work
from gatehouse_worker.execution.closing import closing_generator
from gatehouse_worker.execution.failures import failure_of
from gatehouse_worker.execution.replies import Replies
from gatehouse_worker.execution.stream_output import StreamOutput
from gatehouse_worker.execution.work_queue import WorkQueue

_Work = TypeVar("_Work", bound=Work)
_Result = TypeVar("_Result")


class SyncCalls:
    """Makes the calls of a queue on every thread that runs `serve`.

    `take` gives that thread its next call; `methods` is looked at when a call begins, the load job
    fills it.
    """

    def __init__(
        self,
        queue: WorkQueue,
        take: Callable[[], Call | None],
        methods: Mapping[str, Callable[..., Any]],
        replies: Replies,
    ) -> None:
        self._queue = queue
        self._take = take
        self._methods = methods
        self._replies = replies

    def serve(self) -> None:
        """Make calls, one after the other, until the queue is stopped and empty."""
        while self._make_one():
            pass

    def _make_one(self) -> bool:
        # A function of its own, so that a thread that waits holds on to no call and no body.
        call = self._take()
        if call is None:
            return False
        current_scope.set(call.scope)
        work = call.work
        if isinstance(work, list):
            self._interruptibly(call, self._answer, work)
            self._replies.settle(work)
        elif isinstance(work, StreamItem):
            end = self._interruptibly(call, self._stream, work)
            work.output.finish(end or CANCELLED)
        else:
            error = self._interruptibly(call, _run_job, work)
            work.done(error)
        return True

    def _interruptibly(
        self, call: Call, do: Callable[[Call, _Work], _Result], work: _Work
    ) -> _Result | None:
        """Do the work of a call, and finish it: no interrupt comes after this returns.

        Gives None when the work was interrupted.
        """
        result = None
        is_done = False
        while True:
            try:
                if not is_done:
                    is_done = call.is_exposed = True
                    result = do(call, work)
                self._queue.finish(call)
            except Cancelled:  # out of the work, or sent as it ended
                continue
            return result

    def _answer(self, call: Call, batch: Sequence[UnaryItem]) -> None:
        call.busy_since = None  # to read a batch is not the model's time
        items, values = decode_items(batch, time.monotonic())
        if not items:
            return
        call.busy_since = time.monotonic()
        name = items[0].route.method
        method = self._methods[name]
        try:
            accept_results(items, checked_results(name, method(values), len(items)))
        except ClientError as error:
            if len(items) == 1:
                reject_items(items, error)
            else:
                self._answer_each(call, items)
        except BaseException as error:
            if _ends_the_work(error, call):
                raise
            reject_items(items, error)

    def _answer_each(self, call: Call, items: Sequence[UnaryItem]) -> None:
        # Whose fault is it? Asking for each alone tells, and no caller reads of another's.
        for item in items:
            if not item.is_cancelled:
                self._answer(call, [item])  # decoded anew: the method may have changed what it got

    def _stream(self, call: Call, item: StreamItem) -> StreamEnd | Failure:
        if item.deadline <= time.monotonic():
            return DEADLINE_EXCEEDED
        try:
            events = self._methods[item.route.method](item.route.decode(item.infer))
            with closing_generator(events):
                for event in events:
                    if call.scope.cancelled:
                        return CANCELLED
                    if not item.output.write(item.route.encode_event(event)):
                        call.busy_since = None
                        _wait_for_room(item.output)
                    call.busy_since = time.monotonic()
        except BaseException as error:
            if _ends_the_work(error, call):
                raise
            return failure_of(error, [item])
        return STREAM_END


def _ends_the_work(error: BaseException, call: Call) -> bool:
    """Whether it is `sys.exit` or our interrupt, and not just what a model happens to raise."""
    is_interrupt = isinstance(error, Cancelled) and call.scope.cancelled
    return is_interrupt or isinstance(error, SystemExit)


def _run_job(_call: Call, job: Job) -> BaseException | None:
    try:
        result = job.run()
        if inspect.isawaitable(result):
            asyncio.run(_awaited(result))
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - `done` decides what it means
        return error
    return None


async def _awaited(result: Awaitable[object]) -> None:
    await result


def _wait_for_room(output: StreamOutput) -> None:
    room = threading.Event()
    output.on_room = room.set
    while not output.has_room():
        room.wait()
        room.clear()
    output.on_room = None
