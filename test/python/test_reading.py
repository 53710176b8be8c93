"""Who reads the connection: never two threads, never nobody, and an idle model's thread itself."""

import asyncio
import heapq
import itertools
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import pytest
import uvloop
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gatehouse import Model
from gatehouse.testing import run_worker
from gatehouse_worker.codecs import json
from gatehouse_worker.connection import Connection
from gatehouse_worker.execution.call import Call, Job, StreamItem, UnaryItem
from gatehouse_worker.execution.leader import Leader
from gatehouse_worker.execution.stream_output import StreamOutput
from gatehouse_worker.execution.work_queue import WorkQueue
from gatehouse_worker.reading import LOOK_S, Reading
from gatehouse_worker.wakeable_poll import WakeablePoll
from gatehouse_worker.wire.encode import encode_message
from gatehouse_worker.wire.messages import DaemonMessage, Infer, Ping
from gatehouse_worker.wire.violation import ProtocolViolation

PATIENCE_S = 2 * LOOK_S
"""How long what the daemon sends may wait for somebody who reads."""


class FakeLoop:
    """An event loop whose time and steps the test decides."""

    def __init__(self) -> None:
        self.now = 100.0
        self._ready: list[Callable[[], object]] = []
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def call_soon_threadsafe(self, act: Callable[[], object]) -> None:
        self._ready.append(act)

    def call_later(self, delay_s: float, act: Callable[[], object]) -> object:
        heapq.heappush(self._timers, (self.now + delay_s, next(self._numbers), act))
        return act

    def run_ready(self) -> None:
        while self._ready:
            self._ready.pop(0)()

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, act = heapq.heappop(self._timers)
            act()
            self.run_ready()
        self.now = end

    @property
    def is_asleep(self) -> bool:
        return not self._ready and not self._timers


class FakeConnection:
    """Only knows whether the I/O thread watches it."""

    is_watched = True

    def watch(self) -> None:
        self.is_watched = True

    def unwatch(self) -> None:
        self.is_watched = False

    def read_next(self, timeout_s: float | None) -> None:
        pass


class AnyOrder(RuleBasedStateMachine):
    """A leader that reads and works, an I/O thread that comes late: in every order of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = FakeLoop()
        self.connection = FakeConnection()
        self.queue = WorkQueue(max_batch=1, max_wait_s=0, clock=lambda: self.loop.now)
        self.reading = Reading(
            cast("asyncio.AbstractEventLoop", self.loop),
            cast("Connection", self.connection),
            self.queue,
            clock=lambda: self.loop.now,
        )
        self.ids = itertools.count(1)
        self.call: Call | None = None

    @precondition(lambda self: self.call is None)
    @rule()
    def read(self) -> None:
        self.reading.read(None)

    @precondition(lambda self: self.call is None)
    @rule(kind=st.sampled_from(["unary", "stream", "job"]))
    def begin(self, kind: str) -> None:
        infer = Infer(next(self.ids), "json", kind == "stream", 0, 30_000, {})
        if kind == "unary":
            self.queue.put(UnaryItem(infer, json.PREDICT, self.loop.now))
        elif kind == "stream":
            self.queue.put(StreamItem(infer, json.STREAM, self.loop.now, StreamOutput(0)))
        else:
            self.queue.put(Job(lambda: None, lambda _error: None))
        call = self.queue.take_now()
        assert isinstance(call, Call)
        self.call = call
        self.reading.leave(call)

    @precondition(lambda self: self.call is not None)
    @rule()
    def finish(self) -> None:
        assert self.call is not None
        self.queue.finish(self.call)
        self.call = None

    @rule()
    def run_io_thread(self) -> None:
        self.loop.run_ready()

    @rule(seconds=st.sampled_from([0.0001, 0.001, LOOK_S, 0.03, 1]))
    def wait(self, seconds: float) -> None:
        self.loop.run_ready()
        self.loop.advance(seconds)

    @invariant()
    def somebody_reads_soon(self) -> None:
        if self.call is None or self.loop.now - self.call.began < PATIENCE_S:
            return
        self.loop.run_ready()
        assert self.connection.is_watched

    def teardown(self) -> None:
        if self.call is None:
            self.reading.read(None)
        self.loop.run_ready()
        self.loop.advance(60)
        assert self.loop.is_asleep
        assert self.connection.is_watched == (self.call is not None)


AnyOrder.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestAnyOrderOfStepsLeavesSomebodyWhoReadsAndNobodyWhoLooksForEver = AnyOrder.TestCase


class Threads:
    """A listener that keeps which thread told it what."""

    def __init__(self) -> None:
        self.received_on: list[int] = []
        self.ended_on: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    def received(self, message: DaemonMessage, segments: Sequence[memoryview]) -> None:
        assert (message, segments) == (Ping(1), [])
        self.received_on.append(threading.get_ident())

    def ending(self, request_ids: Sequence[int]) -> None:
        raise NotImplementedError

    def writable(self) -> None:
        raise NotImplementedError

    def violated(self, violation: ProtocolViolation) -> None:
        self.ended_on.put_nowait((violation.code, threading.get_ident()))

    def lost(self) -> None:
        self.ended_on.put_nowait(("lost", threading.get_ident()))


PING = encode_message({"type": "ping", "id": 1})


@pytest.mark.parametrize(
    ("last_bytes", "how"), [(b"", "lost"), (b"\0\0\0\0", "BAD_LENGTH"), (PING[:7], "TRUNCATED")]
)
def test_another_thread_reads_what_comes_and_the_io_thread_hears_of_the_end(
    last_bytes: bytes, how: str
) -> None:
    async def scene() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        listener = Threads()
        connection = Connection(asyncio.get_running_loop(), listener)
        connection.attach(ours)
        connection.unwatch()
        reads: list[int] = []

        def read_until_woken() -> None:
            while not stopped.is_set():
                reads.append(threading.get_ident())
                connection.read_next(None)

        stopped = threading.Event()
        reader = threading.Thread(target=read_until_woken)
        reader.start()
        try:
            for byte in PING * 3:
                theirs.send(bytes([byte]))
            theirs.sendall(last_bytes)
            theirs.close()
            ended = await asyncio.wait_for(listener.ended_on.get(), 10)
        finally:
            stopped.set()
            connection.wake_reader()
            await asyncio.to_thread(reader.join, 10)

        assert not reader.is_alive()
        assert ended == (how, threading.get_ident())
        assert listener.received_on == [reader.ident] * 3
        ours.close()
        # Once for each piece that came, for the end, and to be woken.
        assert len(reads) <= len(PING * 3) + len(last_bytes) + 2

    uvloop.run(scene())


def test_two_threads_that_both_read_never_do_so_at_once() -> None:
    rounds = 2_000

    async def scene() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        listener = Threads()
        connection = Connection(loop, listener)
        connection.attach(ours)
        stopped = threading.Event()

        def read_too() -> None:
            while not stopped.is_set():
                connection.read_next(None)
                loop.call_soon_threadsafe(connection.watch)

        reader = threading.Thread(target=read_too)
        reader.start()
        try:
            theirs.setblocking(False)
            for _ in range(rounds):
                # Split, so that two readers at once would mix up the halves.
                await loop.sock_sendall(theirs, PING[:9])
                await asyncio.sleep(0)
                await loop.sock_sendall(theirs, PING[9:])
            theirs.close()
            ended, _ = await asyncio.wait_for(listener.ended_on.get(), 10)
        finally:
            stopped.set()
            connection.wake_reader()
            await asyncio.to_thread(reader.join, 10)
        assert (ended, len(listener.received_on)) == ("lost", rounds)

    uvloop.run(scene())


def test_every_wake_ends_a_wait_and_a_forgotten_socket_none() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poll = WakeablePoll(ours)
        theirs.send(b"x")
        assert poll.wait(10)
        poll.forget_socket()
        waits: queue.SimpleQueue[bool] = queue.SimpleQueue()

        def wait_three_times() -> None:
            for _ in range(3):
                waits.put(poll.wait(None))

        thread = threading.Thread(target=wait_three_times, daemon=True)
        thread.start()
        for _ in range(3):
            poll.wake()
            poll.wake()
            assert waits.get(timeout=10) is False
        thread.join(10)


def test_a_wake_that_crosses_the_end_of_a_wait_leaves_the_next_one_to_be_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poll = WakeablePoll(ours)
        read = os.read

        def read_as_another_thread_wakes(descriptor: int, count: int) -> bytes:
            poll.wake()
            return read(descriptor, count)

        monkeypatch.setattr(os, "read", read_as_another_thread_wakes)
        poll.wake()
        poll.wait(10)
        thread = threading.Thread(target=poll.wait, args=(None,), daemon=True)
        thread.start()
        poll.wake()
        thread.join(10)
        assert not thread.is_alive()


class Waking:
    """An inbox into which nothing comes: a leader leaves it only when it is woken."""

    def __init__(self) -> None:
        self._woken = threading.Semaphore(0)

    def read(self, timeout_s: float | None) -> None:
        if not self._woken.acquire(timeout=10):
            raise TimeoutError

    def wake(self) -> None:
        self._woken.release()

    def leave(self, call: Call | None) -> None:
        pass


def test_a_leader_that_reads_hears_of_all_that_another_thread_puts() -> None:
    work = WorkQueue(max_batch=1, max_wait_s=0)
    done: list[int] = []

    def lead() -> None:
        leader = Leader(work, Waking())
        led.set()
        with suppress(TimeoutError):
            while (call := leader.take()) is not None:
                assert isinstance(call.work, Job)
                call.work.run()
                work.finish(call)

    led = threading.Event()
    thread = threading.Thread(target=lead)
    thread.start()
    led.wait(10)
    for number in range(500):
        work.put(Job(lambda number=number: done.append(number), lambda _error: None))
    work.stop()
    thread.join(20)

    assert not thread.is_alive()
    assert done == list(range(500))


class Slow(Model):
    """Sleeps as long as an item says, and tells the thread's name."""

    def predict(self, items: list[Any]) -> list[Any]:
        time.sleep(items[0])
        return [threading.current_thread().name]

    def stream(self, item: Any) -> Any:
        yield from range(item)


def test_a_worker_answers_pings_before_during_and_after_calls_of_any_length() -> None:
    with run_worker(f"{__file__}:Slow") as worker:
        pings = itertools.count(1)
        for request_id, seconds in enumerate((0, 0, 0.5, 0, 0.5, 0), 1):
            worker.wire.infer(request_id, str(seconds).encode())
            number = next(pings)
            worker.wire.send({"type": "ping", "id": number})
            first, second = worker.wire.receive()[0], worker.wire.receive()[0]
            if seconds:
                assert (first["type"], second["type"]) == ("pong", "result")
            assert {first["id"], second["id"]} == {number, request_id}


def test_a_stream_that_waits_for_credit_gets_it_between_calls_that_are_over_at_once() -> None:
    with run_worker(f"{__file__}:Slow") as worker:
        for _ in range(3):
            assert worker.predict(0) == "model-0"
            assert list(worker.stream(50)) == list(range(50))
