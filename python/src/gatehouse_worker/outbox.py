"""What other threads send, handed to the I/O thread with one wake-up for many messages."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

_Message = TypeVar("_Message")


class Outbox(Generic[_Message]):
    """A queue into an event loop: `put` from any thread, `deliver` is called on the loop.

    Its length is bounded by who puts: an answer for each open request, and its stream once.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, deliver: Callable[[_Message], None]
    ) -> None:
        self._loop: Final = loop
        self._deliver: Final = deliver
        self._messages: deque[_Message] = deque()
        self._is_awake = False

    def put(self, message: _Message) -> None:
        """Have `deliver` called with the message, after those put before."""
        self._messages.append(message)
        if not self._is_awake:
            self._is_awake = True
            self._loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        # First, so that a message put after the last look wakes the loop again.
        self._is_awake = False
        while self._messages:
            self._deliver(self._messages.popleft())
