"""Looks after the calls that run: interrupts what nobody waits for, finds what takes too long."""

from typing import Final

from gatehouse_worker.execution.work_queue import WorkQueue

_REPEAT_S: Final = 1.0
"""Code that swallows an interrupt gets another one after this long."""

_TIMEOUT_GRACE_S: Final = 2.0
"""How much longer than the model's timeout a call may take (PROTOCOL.md, section 6)."""


def watch_calls(queue: WorkQueue, now: float, timeout_s: float) -> bool:
    """Send the interrupts that are due. True when a call is so late that the worker is useless."""
    is_stuck = False
    for call in queue.running():
        if now >= call.interrupt_at:
            call.interrupt_at = now + _REPEAT_S
            queue.interrupt(call)
        busy_since = call.busy_since
        if busy_since is not None and now - busy_since > timeout_s + _TIMEOUT_GRACE_S:
            is_stuck = True
    return is_stuck
