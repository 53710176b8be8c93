"""What goes into one call, when it begins, what a cancel leaves; with a clock of our own."""

import threading
import time
from queue import SimpleQueue

import pytest

from gatehouse import Cancelled
from gatehouse_worker.codecs import json
from gatehouse_worker.codecs.route import UnaryRoute
from gatehouse_worker.execution.call import Call, Item, Job, StreamItem, UnaryItem
from gatehouse_worker.execution.call_watch import watch_calls
from gatehouse_worker.execution.stream_output import StreamOutput
from gatehouse_worker.execution.work_queue import WorkQueue
from gatehouse_worker.wire.messages import Infer

OTHER_ROUTE = UnaryRoute("embed", json.decode_body, json.encode_result)


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def queue_of(clock: Clock, *, max_batch: int = 4, max_wait_s: float = 0) -> WorkQueue:
    return WorkQueue(max_batch=max_batch, max_wait_s=max_wait_s, clock=clock)


def unary(number: int, clock: Clock, route: UnaryRoute = json.PREDICT) -> UnaryItem:
    return UnaryItem(infer(number, stream=False), route, clock())


def stream(number: int, clock: Clock) -> StreamItem:
    return StreamItem(infer(number, stream=True), json.STREAM, clock(), StreamOutput(0))


def infer(number: int, *, stream: bool) -> Infer:
    return Infer(number, "json", stream, 0, 1000, {})


def ids(call: Call | float | None) -> list[int]:
    assert isinstance(call, Call)
    return [item.infer.id for item in call.items]


def put(queue: WorkQueue, *work: Item | Job) -> None:
    for one in work:
        queue.put(one)


def test_neighbours_of_one_route_go_into_one_call_up_to_max_batch(clock: Clock) -> None:
    queue = queue_of(clock, max_batch=3)
    put(queue, *(unary(number, clock) for number in range(1, 6)))

    assert [ids(queue.take_now()), ids(queue.take_now())] == [[1, 2, 3], [4, 5]]
    assert queue.take_now() is None


def test_streams_jobs_and_other_routes_end_a_batch_and_keep_their_place(clock: Clock) -> None:
    queue = queue_of(clock)
    job = Job(lambda: None, lambda _error: None)
    put(queue, unary(1, clock), stream(2, clock), unary(3, clock), unary(4, clock, OTHER_ROUTE))
    put(queue, job, unary(5, clock))

    assert [ids(queue.take_now()) for _ in range(4)] == [[1], [2], [3], [4]]
    call = queue.take_now()
    assert isinstance(call, Call)
    assert call.work is job
    assert ids(queue.take_now()) == [5]


def test_a_call_that_is_not_full_waits_until_its_oldest_item_is_max_wait_old(clock: Clock) -> None:
    queue = queue_of(clock, max_batch=2, max_wait_s=0.5)
    put(queue, unary(1, clock))
    assert queue.take_now() == 0.5

    clock.now += 0.375
    assert queue.take_now() == 0.125
    clock.now += 0.125
    assert ids(queue.take_now()) == [1]


def test_a_full_call_or_one_that_cannot_grow_does_not_wait(clock: Clock) -> None:
    queue = queue_of(clock, max_batch=2, max_wait_s=60)
    put(queue, unary(1, clock), unary(2, clock), unary(3, clock), stream(4, clock))

    assert [ids(queue.take_now()) for _ in range(3)] == [[1, 2], [3], [4]]


def test_stop_lets_go_what_waits_and_then_gives_none(clock: Clock) -> None:
    queue = queue_of(clock, max_wait_s=60)
    put(queue, unary(1, clock))
    queue.stop()

    assert ids(queue.take()) == [1]
    assert queue.take() is None
    assert queue.is_over()


def test_a_sleeping_taker_is_woken_by_put_and_by_stop(clock: Clock) -> None:
    queue = queue_of(clock)
    taken: list[Call | None] = []
    takers = [threading.Thread(target=lambda: taken.append(queue.take())) for _ in range(3)]
    for taker in takers:
        taker.start()
    put(queue, unary(1, clock))
    queue.stop()
    for taker in takers:
        taker.join(10)

    assert sorted(map(bool, taken)) == [False, False, True]


def test_a_taker_whose_sleep_ends_begins_what_is_due() -> None:
    queue = WorkQueue(max_batch=2, max_wait_s=0.01)
    queue.put(UnaryItem(infer(1, stream=False), json.PREDICT, time.monotonic()))

    assert ids(queue.take()) == [1]


def test_an_item_cancelled_before_its_call_is_gone(clock: Clock) -> None:
    queue = queue_of(clock)
    first, second = unary(1, clock), unary(2, clock)
    put(queue, first, second)

    assert queue.cancel(first) is True
    assert ids(queue.take_now()) == [2]
    assert queue.cancel(second) is False


def test_a_call_is_cancelled_once_nobody_waits_for_any_of_its_items(clock: Clock) -> None:
    queue = queue_of(clock)
    items = [unary(1, clock), unary(2, clock)]
    put(queue, *items)
    call = queue.take_now()
    assert isinstance(call, Call)

    queue.cancel(items[0])
    assert not call.scope.cancelled
    queue.cancel(items[1])
    assert call.scope.cancelled


def test_interrupts_come_after_the_grace_and_again_every_second(clock: Clock) -> None:
    queue = queue_of(clock)
    item = unary(1, clock)
    put(queue, item)
    call = queue.take_now()
    assert isinstance(call, Call)
    sent: list[float] = []
    call.cancel_task = lambda: sent.append(clock.now)
    queue.cancel(item)
    for _ in range(12):
        watch_calls(queue, clock.now, 60)
        clock.now += 0.25

    assert sent == [100.25, 101.25, 102.25]


def test_a_call_is_stuck_two_seconds_after_its_timeout_unless_it_waits_for_credit(
    clock: Clock,
) -> None:
    queue = queue_of(clock)
    put(queue, unary(1, clock))
    call = queue.take_now()
    assert isinstance(call, Call)

    assert not watch_calls(queue, clock.now + 3, timeout_s=1)
    assert watch_calls(queue, clock.now + 3.01, timeout_s=1)
    call.busy_since = None
    assert not watch_calls(queue, clock.now + 1000, timeout_s=1)


def test_loading_is_not_bound_by_the_timeout_of_calls_and_a_health_check_is(clock: Clock) -> None:
    queue = queue_of(clock)
    put(queue, Job(lambda: None, lambda _error: None))
    load = queue.take_now()
    assert isinstance(load, Call)
    assert not watch_calls(queue, clock.now + 1000, timeout_s=1)

    put(queue, Job(lambda: None, lambda _error: None, is_timed=True))
    queue.take_now()
    assert watch_calls(queue, clock.now + 1000, timeout_s=1)


def test_a_finished_call_is_not_interrupted(clock: Clock) -> None:
    queue = queue_of(clock)
    put(queue, unary(1, clock))
    call = queue.take_now()
    assert isinstance(call, Call)
    queue.finish(call)
    queue.interrupt(call)

    assert not call.is_interrupted


def test_a_call_is_not_interrupted_before_its_thread_is_in_it(clock: Clock) -> None:
    queue = queue_of(clock)
    put(queue, unary(1, clock))
    call = queue.take_now()
    assert isinstance(call, Call)
    queue.interrupt(call)  # to this thread: Cancelled would end the test

    assert not call.is_interrupted


def test_an_interrupt_never_arrives_after_its_call_is_finished() -> None:
    outcomes: SimpleQueue[str] = SimpleQueue()
    begun: SimpleQueue[Call] = SimpleQueue()
    queue = WorkQueue(max_batch=1, max_wait_s=0)
    threading.Thread(target=make_calls, args=[queue, begun, outcomes], daemon=True).start()
    for number in range(1, 501):
        queue.put(UnaryItem(infer(number, stream=False), json.PREDICT, 0))
        queue.interrupt(begun.get(timeout=10))
        assert outcomes.get(timeout=10) == "clean"
    queue.stop()


def make_calls(queue: WorkQueue, begun: "SimpleQueue[Call]", outcomes: "SimpleQueue[str]") -> None:
    """Make calls that do nothing but be over while they are interrupted, as SyncCalls does."""
    while (call := queue.take()) is not None:
        is_told = False
        while True:
            try:
                if not is_told:
                    is_told = call.is_exposed = True
                    begun.put(call)
                queue.finish(call)
            except Cancelled:
                continue
            break
        outcomes.put(outcome_of_going_on())


def outcome_of_going_on() -> str:
    try:
        for _ in range(1000):
            pass
    except Cancelled:
        return "leaked"
    return "clean"
