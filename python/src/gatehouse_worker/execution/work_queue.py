"""What waits for the model and what runs: the one place that the threads share."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

from gatehouse_worker.execution.call import Call, Item, Job, UnaryItem, Work
from gatehouse_worker.execution.interrupt import clear_interrupt, interrupt_thread
from gatehouse_worker.execution.process_end import end_forked_copy


class WorkQueue:
    """A first-in-first-out queue that gives work out in calls.

    Neighbours of the same unary route go into one call, at most `max_batch` of them; a call that is
    not full waits for more until its oldest item is `max_wait_s` old. The daemon bounds how many
    items are in here (`concurrency` x `max_batch`, checked by Conversation). Every method may be
    called by any thread.
    """

    def __init__(
        self,
        *,
        max_batch: int,
        max_wait_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_batch: Final = max_batch
        self._max_wait_s: Final = max_wait_s
        self._clock: Final = clock
        self._process_id: Final = os.getpid()
        # A bare lock, because an interrupt may arrive while `finish` takes it: only `with` on a
        # lock made in C cannot be interrupted between taking it and entering the block.
        self._lock = threading.Lock()
        self._sleeping = 0
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._waiting: deque[Item | Job] = deque()
        self._running: set[Call] = set()
        self._stopped = False
        self.on_change: Callable[[], object] | None = None
        """Called after `put` and `stop`, for a taker that does not wait in `take`."""

    def put(self, work: Item | Job) -> None:
        """Add work at the end."""
        self._lock.acquire()  # half the price of `with`; no interrupt arrives where work is put
        try:
            self._waiting.append(work)
            if self._sleeping:
                self._wake_taker()
        finally:
            self._lock.release()
        if self.on_change is not None:
            self.on_change()

    def stop(self) -> None:
        """Have every `take` give None once nothing waits any more."""
        with self._lock:
            self._stopped = True
            while self._sleeping:
                self._wake_taker()
        if self.on_change is not None:
            self.on_change()

    def is_over(self) -> bool:
        """Whether it is stopped and nothing waits."""
        with self._lock:
            return self._stopped and not self._waiting

    def has_items(self) -> bool:
        """Whether a request waits or runs."""
        with self._lock:
            return any(not isinstance(work, Job) for work in self._waiting) or any(
                not isinstance(call.work, Job) for call in self._running
            )

    def running(self) -> list[Call]:
        """Give the calls that run now."""
        with self._lock:
            return list(self._running)

    def take(self) -> Call | None:
        """Wait for the next call and begin it on the calling thread; None after `stop`."""
        while True:
            with self._lock:
                delay = self._delay()
                if delay == 0:
                    return self._begin()
                if delay is None and self._stopped:
                    return None
                self._sleeping += 1
            self._sleep(delay)

    def take_now(self) -> Call | float | None:
        """Begin the next call, or say in how many seconds one is due; None when nothing waits.

        Who makes calls as tasks sets the call's `cancel_task`.
        """
        with self._lock:
            delay = self._delay()
            return self._begin() if delay == 0 else delay

    def cancel(self, item: Item) -> bool:
        """Take note that nobody waits for an item. True when it had not begun: it never will."""
        with self._lock:
            if not item.has_begun:
                self._waiting.remove(item)
                return True
            if item.call is not None:
                item.call.cancel_one(self._clock())
            return False

    def interrupt(self, call: Call) -> None:
        """Raise in a call, unless it is over or its thread is not in it yet."""
        with self._lock:
            if call in self._running:
                if call.cancel_task is not None:
                    call.is_interrupted = True
                    call.cancel_task()
                elif call.is_exposed:
                    call.is_interrupted = True
                    interrupt_thread(call.thread_id)

    def finish(self, call: Call) -> None:
        """Take note, on its thread, that a call is over: no interrupt comes after this returns.

        Raises Cancelled when one was on its way; call it again then.
        """
        if os.getpid() != self._process_id:
            end_forked_copy()
        with self._lock:
            self._running.discard(call)
            # A circle would keep the bodies until the cycle collector runs.
            for item in call.items:
                item.call = None
            if call.is_interrupted:
                clear_interrupt(threading.get_ident())

    def _wake_taker(self) -> None:
        self._sleeping -= 1
        self._wake.put(None)

    def _sleep(self, timeout_s: float | None) -> None:
        # Half the time of a Condition, which makes a lock for each wait and is written in Python.
        try:
            self._wake.get(timeout=timeout_s)
        except Empty:
            with self._lock:
                if self._sleeping:
                    self._sleeping -= 1
                    return
            self._wake.get()  # the call meant for this thread crossed the end of its sleep

    def _delay(self) -> float | None:
        """How many seconds the next call should still wait; None when there is none."""
        if not self._waiting:
            return None
        if self._max_wait_s == 0 or self._stopped:
            return 0
        first = self._waiting[0]
        if not isinstance(first, UnaryItem):
            return 0
        if len(self._waiting) >= self._max_batch or not self._all_fit(first):
            return 0
        return max(0, first.arrived + self._max_wait_s - self._clock())

    def _all_fit(self, first: UnaryItem) -> bool:
        return all(
            isinstance(work, UnaryItem) and work.route is first.route for work in self._waiting
        )

    def _begin(self) -> Call:
        first = self._waiting.popleft()
        work: Work
        if isinstance(first, UnaryItem):
            work = [first]
            if self._waiting:
                self._fill(work)
        else:
            work = first
        call = Call(work, self._clock(), threading.get_ident())
        self._running.add(call)
        return call

    def _fill(self, batch: list[UnaryItem]) -> None:
        """Add the neighbours of the same route to a batch of one."""
        route = batch[0].route
        while len(batch) < self._max_batch and self._waiting:
            work = self._waiting[0]
            if not isinstance(work, UnaryItem) or work.route is not route:
                break
            batch.append(work)
            self._waiting.popleft()
