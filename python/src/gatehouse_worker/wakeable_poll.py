"""A wait for a socket that another thread can end."""

import os
import select
import socket
from typing import Final


class WakeablePoll:
    """Waits on one thread until a socket has something to read, or until somebody calls `wake`.

    Its pipe stays open as long as the process.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._connected: Final = connected.fileno()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        self._poll: Final = select.poll()
        self._poll.register(self._connected, select.POLLIN)
        self._poll.register(self._wake_reader, select.POLLIN)
        self._is_woken = False

    def wait(self, timeout_s: float | None) -> bool:
        """Whether the socket has something to read, its end included."""
        ready = [descriptor for descriptor, _ in self._poll.poll(_milliseconds(timeout_s))]
        if self._wake_reader in ready:
            os.read(self._wake_reader, _WAKE_BYTES)
            # Last: said before, a byte written in between would be read, and none written again.
            self._is_woken = False
        return self._connected in ready

    def wake(self) -> None:
        """Have `wait` return, now or the next time; any thread calls it."""
        if not self._is_woken:
            self._is_woken = True
            os.write(self._wake_writer, b"w")

    def forget_socket(self) -> None:
        """Wait for `wake` only; on the thread that waits."""
        self._poll.unregister(self._connected)


_WAKE_BYTES: Final = 64
"""More than `wake` can have written since the last wait: a byte for each thread."""


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
