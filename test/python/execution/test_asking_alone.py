"""A ClientError for a whole batch: each item is asked for alone, with what its caller sent."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from gatehouse import ClientError, Model
from gatehouse.testing import run_worker
from gatehouse_worker.answers import CANCELLED, DEADLINE_EXCEEDED, Failure, Reply
from gatehouse_worker.codecs import json
from gatehouse_worker.execution.async_calls import AsyncCalls
from gatehouse_worker.execution.call import UnaryItem
from gatehouse_worker.execution.sync_calls import SyncCalls
from gatehouse_worker.execution.work_queue import WorkQueue
from gatehouse_worker.wire.messages import Infer


class Emptying(Model):
    """Takes out of its list what it looks at, and refuses the negative."""

    def predict(self, items: list[Any]) -> list[Any]:
        results: list[Any] = []
        while items:
            item = items.pop(0)
            if item["number"] < 0:
                raise ClientError("Below zero.")
            item["number"] += 1
            results.append(item["number"])
        return results


class EmptyingAsync(Emptying):
    """As Emptying, with a coroutine."""

    async def predict(self, items: list[Any]) -> list[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().predict(items)


@pytest.mark.parametrize("name", ["Emptying", "EmptyingAsync"])
def test_a_method_that_changed_its_items_is_asked_again_with_those_of_the_callers(
    name: str,
) -> None:
    with run_worker(f"{__file__}:{name}", max_batch=3, max_wait_ms=60_000) as worker:
        for number, sent in enumerate((1, -1, 3), 1):
            worker.wire.infer(number, orjson.dumps({"number": sent}))
        received = [worker.wire.receive() for _ in range(3)]

    answers = {message["id"]: message.get("message") or body[0] for message, body in received}
    assert answers == {1: b"2", 2: "Below zero.", 3: b"4"}


def refuse_company(items: list[Any]) -> None:
    if len(items) > 1:
        raise ClientError("One at a time.")


class Recorder:
    """A method that refuses company and notes when it was called, and since when it is watched."""

    def __init__(self, make_calls: "MakeCalls") -> None:
        self.queue = WorkQueue(max_batch=3, max_wait_s=0)
        self.items = [item(number) for number in (1, 2, 3)]
        self.asked: list[Any] = []
        self.entered: list[float] = []
        self.watched_since: list[float] = []
        self.on_refusal: Callable[[], None] = lambda: None
        self._make_calls = make_calls

    def run(self) -> None:
        """Put the items into one batch and have all calls made."""
        for one in self.items:
            self.queue.put(one)
        self.queue.stop()
        self._make_calls(self)

    def predict(self, values: list[Any]) -> list[Any]:
        (call,) = self.queue.running()
        assert call.busy_since is not None
        self.asked.append(values)
        self.watched_since.append(call.busy_since)
        self.entered.append(time.monotonic())
        if len(values) > 1:
            self.on_refusal()
        refuse_company(values)
        return values

    async def predict_async(self, values: list[Any]) -> list[Any]:
        return self.predict(values)

    def settle(self, items: Sequence[UnaryItem]) -> None:
        """Nobody reads the answers: they stay in the items."""


MakeCalls = Callable[[Recorder], None]


def make_sync_calls(model: Recorder) -> None:
    SyncCalls(model.queue, model.queue.take, {"predict": model.predict}, model).serve()


def make_async_calls(model: Recorder) -> None:
    methods = {"predict": model.predict_async}
    calls = AsyncCalls(queue=model.queue, methods=methods, replies=model, concurrency=1)
    asyncio.run(calls.serve())


def item(number: int) -> UnaryItem:
    infer = Infer(number, "json", False, 0, 30_000, {})
    infer.segments = [memoryview(orjson.dumps(number))]
    return UnaryItem(infer, json.PREDICT, time.monotonic())


def answer_of(one: UnaryItem) -> Failure | bytes | memoryview:
    return one.answer.segments[0] if isinstance(one.answer, Reply) else one.answer


@pytest.mark.parametrize("make_calls", [make_sync_calls, make_async_calls])
def test_each_time_the_model_is_asked_its_time_begins_anew(make_calls: MakeCalls) -> None:
    model = Recorder(make_calls)
    model.run()

    assert model.asked == [[1, 2, 3], [1], [2], [3]]
    assert model.watched_since[1] >= model.entered[0]
    assert model.watched_since == sorted(set(model.watched_since))


@pytest.mark.parametrize("make_calls", [make_sync_calls, make_async_calls])
def test_who_has_left_or_is_late_by_then_is_not_asked_for_alone(make_calls: MakeCalls) -> None:
    model = Recorder(make_calls)

    def leave_and_be_late() -> None:
        model.items[0].is_cancelled = True
        model.items[1].deadline = 0

    model.on_refusal = leave_and_be_late
    model.run()

    assert model.asked == [[1, 2, 3], [3]]
    assert [answer_of(one) for one in model.items] == [CANCELLED, DEADLINE_EXCEEDED, b"3"]
