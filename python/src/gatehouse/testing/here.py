"""A model on a thread of this process, so that a debugger can stop in it."""

import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Final

import orjson

from gatehouse import Model
from gatehouse.testing.errors import error_of
from gatehouse_worker.answers import Answer, Failure
from gatehouse_worker.codecs.find_route import find_route
from gatehouse_worker.codecs.route import UnaryRoute
from gatehouse_worker.execution.call import StreamItem, UnaryItem
from gatehouse_worker.execution.model_host import ModelHost
from gatehouse_worker.execution.stream_output import StreamOutput
from gatehouse_worker.execution.work_queue import WorkQueue
from gatehouse_worker.wire.messages import Infer


class ModelHere:
    """A loaded model; its methods take what a caller would send and give what they would get."""

    def __init__(self, host: ModelHost, queue: WorkQueue, answers: "_Answers") -> None:
        self._host: Final = host
        self._queue: Final = queue
        self._answers: Final = answers
        self._ids: Final = itertools.count(1)

    def predict(self, item: object, *, timeout_ms: int = 30_000) -> Any:
        """Ask for one prediction. Raises ClientError or RequestFailedError."""
        return self.predict_together([item], timeout_ms=timeout_ms)[0]

    def predict_together(self, items: list[object], *, timeout_ms: int = 30_000) -> list[Any]:
        """Ask for several at once, which may meet in a batch. Raises as `predict` does."""
        futures = [self._ask(item, timeout_ms) for item in items]
        return [_value(future.result()) for future in futures]

    def stream(self, item: object, *, timeout_ms: int = 30_000) -> Iterator[Any]:
        """Give what the model yields. Raises as `predict` does, at any step."""
        infer = self._infer(item, timeout_ms, stream=True)
        route = find_route("json", stream=True, methods=self._host.methods)
        if isinstance(route, UnaryRoute):
            raise TypeError(f"{route.method} does not stream.")
        output = StreamOutput(credit=1)
        dirty: SimpleQueue[None] = SimpleQueue()
        output.on_dirty = lambda: dirty.put(None)
        self._queue.put(StreamItem(infer, route, time.monotonic(), output))
        while True:
            dirty.get()
            while (chunk := output.next_chunk()) is not None:
                output.grant(1)
                for event in bytes(chunk).split(b"\n\n")[:-1]:
                    yield orjson.loads(event.removeprefix(b"data: "))
            end = output.take_end()
            if isinstance(end, Failure):
                raise error_of(end.code, end.message)
            if end is not None:
                return

    def check_health(self) -> None:
        """Run the model's own check. Raises what it raises."""
        _wait(self._host.check)

    def _ask(self, item: object, timeout_ms: int) -> "Future[Answer]":
        infer = self._infer(item, timeout_ms, stream=False)
        route = find_route("json", stream=False, methods=self._host.methods)
        if not isinstance(route, UnaryRoute):
            raise TypeError(f"{route.method} gives no single answer.")
        waiting = UnaryItem(infer, route, time.monotonic())
        future = self._answers.expect(waiting)
        self._queue.put(waiting)
        return future

    def _infer(self, item: object, timeout_ms: int, *, stream: bool) -> Infer:
        return Infer(
            id=next(self._ids),
            route="json",
            stream=stream,
            credit=0,
            timeout_ms=timeout_ms,
            headers={},
            segments=[memoryview(orjson.dumps(item))],
        )


@contextmanager
def run_here(
    model_class: type[Model], *, concurrency: int = 1, max_batch: int = 1, max_wait_ms: int = 0
) -> Generator[ModelHere]:
    """Load a model in this process, and close it when the block is left.

    Raises what `load` raises, and what `close` raises.
    """
    queue = WorkQueue(max_batch=max_batch, max_wait_s=max_wait_ms / 1000)
    answers = _Answers()
    host = ModelHost(
        load_class=lambda: model_class, concurrency=concurrency, queue=queue, replies=answers
    )
    _wait(host.load)
    try:
        yield ModelHere(host, queue, answers)
    finally:
        _wait(host.close)


class _Answers:
    """Where the model's thread leaves answers, and a test waits for them."""

    def __init__(self) -> None:
        self._futures: dict[UnaryItem, Future[Answer]] = {}

    def expect(self, item: UnaryItem) -> "Future[Answer]":
        self._futures[item] = Future()
        return self._futures[item]

    def settle(self, items: Sequence[UnaryItem]) -> None:
        for item in items:
            self._futures.pop(item).set_result(item.answer)


def _wait(begin: Callable[[Callable[[BaseException | None], object]], None]) -> None:
    done: Future[BaseException | None] = Future()
    begin(done.set_result)
    error = done.result()
    if error is not None:
        raise error


def _value(answer: Answer) -> Any:
    if isinstance(answer, Failure):
        raise error_of(answer.code, answer.message)
    return orjson.loads(b"".join(answer.segments))
