"""A worker ends when its daemon does. Three ways to notice, because each alone has a hole.

The kernel's signal (PDEATHSIG) is Linux's only, and comes when the *thread* that forked ends. The
end of stdin waits for Python's lock, and for every holder of the pipe's other end. The parent's
number is looked at only now and then, and not while code in C holds the lock.
"""

import asyncio
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable


def die_with_parent(parent_pid: int | None) -> None:
    """Have the kernel kill this process when its parent ends; exit at once if it has."""
    if parent_pid is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if is_orphan(parent_pid):
        os._exit(1)


def is_orphan(parent_pid: int | None) -> bool:
    """Whether the process that started this one is gone. Not `ppid == 1`: a container has that."""
    return parent_pid is not None and os.getppid() != parent_pid


async def watch_parent(parent_pid: int | None, on_end: Callable[[], None]) -> None:
    """Look every second whether the parent is still there; call `on_end` when it is not."""
    while not is_orphan(parent_pid):  # noqa: ASYNC110 - the kernel has no event for it
        await asyncio.sleep(1)
    on_end()


def watch_stdin(on_end: Callable[[], None]) -> None:
    """Call `on_end`, on a thread of its own, when stdin ends.

    The descriptor is moved away and /dev/null put in its place, so that neither the model nor what
    it starts can read or keep it.
    """
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def wait() -> None:
        while os.read(pipe, 4096):
            pass
        on_end()

    threading.Thread(target=wait, name="stdin", daemon=True).start()


_PR_SET_PDEATHSIG = 1
