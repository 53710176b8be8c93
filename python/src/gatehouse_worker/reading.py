"""Which thread reads the connection: the model's while it is idle, the I/O thread otherwise."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from gatehouse_worker.connection import Connection
from gatehouse_worker.execution.call import Call
from gatehouse_worker.execution.work_queue import WorkQueue


class Reading:
    """The inbox of the leader (execution/leader.py), and the I/O thread as its follower.

    The I/O thread reads before there is a leader, during streams (they need their credit) and the
    worker's own jobs, and from a call that is not over after 5 ms until the leader is back: so what
    the daemon sends never waits longer than two looks, 10 ms. Nothing is handed over for a call
    that is over sooner: all it costs is that the I/O thread looks every 5 ms while calls come.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        queue: WorkQueue,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop: Final = loop
        self._connection: Final = connection
        self._queue: Final = queue
        self._clock: Final = clock
        self._is_taken_over = True
        self._calls = 0
        self._calls_seen = 0
        self._quiet_looks = 0
        self._is_looking = False
        self._next_look: asyncio.TimerHandle | None = None

    # On the leader's thread.

    def read(self, timeout_s: float | None) -> None:
        """Wait for what comes next and act on it here; returns early after `wake`, too."""
        if self._is_taken_over:
            self._is_taken_over = False
            self._loop.call_soon_threadsafe(self._give_back)
        self._connection.read_next(timeout_s)

    def leave(self, call: Call | None) -> None:
        """Say that this thread turns to a call; to none any more with None."""
        self._calls += 1
        if call is None or not isinstance(call.work, list):
            self._is_taken_over = True
            self._loop.call_soon_threadsafe(self._take_over)
        elif not self._is_looking:
            self._is_looking = True
            self._loop.call_soon_threadsafe(self._look_later)

    # On any other.

    def wake(self) -> None:
        """Have `read` return, now or the next time."""
        self._connection.wake_reader()

    # On the I/O thread.

    def _take_over(self) -> None:
        if self._is_taken_over:
            self._connection.watch()

    def _give_back(self) -> None:
        if not self._is_taken_over:
            self._connection.unwatch()

    def _look_later(self) -> None:
        if self._next_look is None:
            self._next_look = self._loop.call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._next_look = None
        if self._is_busy_for_long():
            self._is_looking = False
            self._is_taken_over = True
            self._take_over()
            return
        if self._calls == self._calls_seen:
            self._quiet_looks += 1
        else:
            self._calls_seen = self._calls
            self._quiet_looks = 0
        if self._quiet_looks >= _QUIET_LOOKS:
            self._is_looking = False
            # Only now, so that a call that began before has been counted or begins to look itself.
            if self._calls == self._calls_seen:
                return
            self._is_looking = True
        self._look_later()

    def _is_busy_for_long(self) -> bool:
        long_ago = self._clock() - LOOK_S
        return any(call.began <= long_ago for call in self._queue.running())


LOOK_S: Final = 0.005

_QUIET_LOOKS: Final = 20
"""After this many looks without a call, 0.1 s, nobody looks until the next one begins."""
