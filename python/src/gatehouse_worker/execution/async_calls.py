"""Runs a model that has `async def` methods: calls are tasks of one event loop on one thread."""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Final

from gatehouse import ClientError
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
from gatehouse_worker.execution.call import Call, Job, StreamItem, UnaryItem
from gatehouse_worker.execution.closing import closing_async_generator, closing_generator
from gatehouse_worker.execution.failures import failure_of
from gatehouse_worker.execution.replies import Replies
from gatehouse_worker.execution.stream_output import StreamOutput
from gatehouse_worker.execution.work_queue import WorkQueue


class AsyncCalls:
    """Makes the calls of a queue, at most `concurrency` at once; plain methods block the others.

    `methods` is looked at when a call begins; the load job fills it.
    """

    def __init__(
        self,
        *,
        queue: WorkQueue,
        methods: Mapping[str, Callable[..., Any]],
        replies: Replies,
        concurrency: int,
    ) -> None:
        self._queue: Final = queue
        self._methods: Final = methods
        self._replies: Final = replies
        self._concurrency: Final = concurrency
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._failure: BaseException | None = None

    async def serve(self) -> None:
        """Make calls until the queue is stopped and empty. Raises when this module itself fails."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        self._queue.on_change = partial(loop.call_soon_threadsafe, changed.set)
        while not self._queue.is_over() or self._tasks:
            if self._failure is not None:
                raise self._failure
            changed.clear()
            delay = self._begin_what_may_begin(loop, changed)
            try:
                await asyncio.wait_for(changed.wait(), delay)
            except asyncio.TimeoutError:
                continue

    def _begin_what_may_begin(
        self, loop: asyncio.AbstractEventLoop, changed: asyncio.Event
    ) -> float | None:
        """Begin calls; says in how many seconds to look again, None for when something changes."""

        def forget(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._failure = self._failure or task.exception()
            changed.set()

        while len(self._tasks) < self._concurrency:
            call = self._queue.take_now()
            if not isinstance(call, Call):
                return call
            task = loop.create_task(self._make(call))
            call.cancel_task = partial(_cancel, loop, task)
            call.grace_s = 0
            self._tasks.add(task)
            task.add_done_callback(forget)
        return None

    async def _make(self, call: Call) -> None:
        current_scope.set(call.scope)
        work = call.work
        if isinstance(work, Job):
            error = await _run_job(work)
            self._queue.finish(call)
            work.done(error)
        elif isinstance(work, StreamItem):
            end = await self._stream(call, work)
            self._queue.finish(call)
            work.output.finish(end)
        else:
            await self._answer(call, work)
            self._queue.finish(call)
            self._replies.settle(work)

    async def _answer(self, call: Call, batch: Sequence[UnaryItem]) -> None:
        call.busy_since = None  # to read a batch is not the model's time
        items, values = decode_items(batch, time.monotonic())
        if not items:
            return
        call.busy_since = time.monotonic()
        name = items[0].route.method
        method = self._methods[name]
        try:
            results = await _finished(method(values))
            accept_results(items, checked_results(name, results, len(items)))
        except ClientError as error:
            if len(items) == 1:
                reject_items(items, error)
            else:
                await self._answer_each(call, items)
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a model raises
            if not _is_cancellation(error, call):
                reject_items(items, error)

    async def _answer_each(self, call: Call, items: Sequence[UnaryItem]) -> None:
        # Whose fault is it? Asking for each alone tells, and no caller reads of another's.
        alone = [self._answer(call, [item]) for item in items if not item.is_cancelled]
        with suppress(asyncio.CancelledError):  # each has seen it, and has its answer
            await asyncio.gather(*alone)  # decoded anew: the method may have changed what it got

    async def _stream(self, call: Call, item: StreamItem) -> StreamEnd | Failure:
        if item.deadline <= time.monotonic():
            return DEADLINE_EXCEEDED
        try:
            method = self._methods[item.route.method]
            events = await _finished(method(item.route.decode(item.infer)))
            async with aclosing(_each(events)) as steps:
                async for event in steps:
                    if call.scope.cancelled:
                        return CANCELLED
                    if not item.output.write(item.route.encode_event(event)):
                        call.busy_since = None
                        await _room(item.output)
                    call.busy_since = time.monotonic()
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a model raises
            return CANCELLED if _is_cancellation(error, call) else failure_of(error, [item])
        return STREAM_END


def _cancel(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    loop.call_soon_threadsafe(task.cancel)


def _is_cancellation(error: BaseException, call: Call) -> bool:
    return isinstance(error, asyncio.CancelledError) and call.scope.cancelled


async def _finished(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def _run_job(job: Job) -> BaseException | None:
    try:
        await _finished(job.run())
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - `done` decides what it means
        return error
    return None


async def _each(events: AsyncIterator[object] | Iterable[object]) -> AsyncGenerator[object]:
    """Give the events of a generator of either kind; other calls get their turn in between.

    Closing it closes the generator, so that its `finally` runs at once.
    """
    if isinstance(events, AsyncIterator):
        async with closing_async_generator(events):
            async for event in events:
                yield event
        return
    with closing_generator(events):
        for event in events:
            yield event
            await asyncio.sleep(0)


async def _room(output: StreamOutput) -> None:
    room = asyncio.Event()
    output.on_room = partial(asyncio.get_running_loop().call_soon_threadsafe, room.set)
    while not output.has_room():
        await room.wait()
        room.clear()
    output.on_room = None
