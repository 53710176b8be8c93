"""The thread of the model reads for itself while it has nothing else to do."""

import threading
from typing import Final, Protocol

from gatehouse_worker.execution.call import Call
from gatehouse_worker.execution.work_queue import WorkQueue


class Inbox(Protocol):
    """What the daemon sends, as the thread that reads it while it is idle sees it."""

    def read(self, timeout_s: float | None) -> None:
        """Wait for what comes next and act on it here; returns early after `wake`, too."""
        ...

    def wake(self) -> None:
        """Have `read` return, now or the next time; any thread but the reading one calls it."""
        ...

    def leave(self, call: Call | None) -> None:
        """Say that this thread turns to a call; to none any more with None."""
        ...


class Leader:
    """Takes the calls of a queue on the one thread that makes them.

    The leader of "Leader/Followers" (Schmidt, Stal, Rohnert, Buschmann: POSA 2): to hand a request
    from a thread that reads to a thread that works costs more than all else that happens to a small
    one. So whoever has nothing to do reads, and who reads a request works on it.
    """

    def __init__(self, queue: WorkQueue, inbox: Inbox) -> None:
        """Make one for the calling thread."""
        self._queue: Final = queue
        self._inbox: Final = inbox
        self._thread_id: Final = threading.get_ident()
        queue.on_change = self._changed

    def take(self) -> Call | None:
        """Wait for the next call and begin it; None once the queue is stopped and empty."""
        while True:
            call = self._queue.take_now()
            if isinstance(call, Call):
                self._inbox.leave(call)
                return call
            if call is None and self._queue.is_over():
                self._inbox.leave(None)
                return None
            self._inbox.read(call)

    def _changed(self) -> None:
        if threading.get_ident() != self._thread_id:
            self._inbox.wake()
