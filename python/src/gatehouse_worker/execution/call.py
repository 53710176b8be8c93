"""One call of the model, and the work it is made for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from gatehouse.cancellation import CancelScope
from gatehouse_worker.answers import CANCELLED, Answer
from gatehouse_worker.codecs.route import StreamRoute, UnaryRoute
from gatehouse_worker.execution.stream_output import StreamOutput
from gatehouse_worker.wire.messages import Infer

_SYNC_GRACE_S: Final = 0.1
"""How long sync code may notice `cancelled()` by itself before it is interrupted."""

_NEVER: Final = math.inf

_Route = TypeVar("_Route", UnaryRoute, StreamRoute)


class _Item(Generic[_Route]):
    """One request from its arrival to its end. Times are seconds of the monotonic clock."""

    __slots__ = (
        "answer",
        "arrived",
        "call",
        "deadline",
        "has_begun",
        "infer",
        "is_cancelled",
        "route",
    )

    def __init__(self, infer: Infer, route: _Route, arrived: float) -> None:
        self.infer = infer
        self.route = route
        self.arrived = arrived
        self.deadline = arrived + infer.timeout_ms / 1000
        self.call: Call | None = None
        """The call that it is part of, while that runs."""
        self.has_begun = False
        self.is_cancelled = False
        self.answer: Answer = CANCELLED
        """How it ends: what it was interrupted by, unless its call finds another answer."""


class UnaryItem(_Item[UnaryRoute]):
    """A request that gets one answer, alone or in a batch."""

    __slots__ = ()


class StreamItem(_Item[StreamRoute]):
    """A request that gets its answer in pieces."""

    __slots__ = ("output",)

    def __init__(
        self, infer: Infer, route: StreamRoute, arrived: float, output: StreamOutput
    ) -> None:
        super().__init__(infer, route, arrived)
        self.output = output


@dataclass(frozen=True, slots=True)
class Job:
    """Something of the worker's own to do on the model's thread: load, check, close."""

    run: Callable[[], object]
    """May give an awaitable, which is awaited there."""
    done: Callable[[BaseException | None], object]
    """Gets what `run` raised, on the model's thread."""
    is_timed: bool = False
    """Whether it has to be over within the model's `timeout_ms`, as a call of a method has."""


Item: TypeAlias = UnaryItem | StreamItem
Work: TypeAlias = list[UnaryItem] | StreamItem | Job


class Call:
    """One invocation: of a method with a batch of items, of a stream, or of a job."""

    __slots__ = (
        "_expecting",
        "began",
        "busy_since",
        "cancel_task",
        "grace_s",
        "interrupt_at",
        "is_exposed",
        "is_interrupted",
        "items",
        "scope",
        "thread_id",
        "work",
    )

    def __init__(self, work: Work, now: float, thread_id: int) -> None:
        """Make one that begins now, on this thread."""
        self.work = work
        self.thread_id = thread_id
        self.cancel_task: Callable[[], object] | None = None
        """Interrupts it; without this, an exception raised in its thread does."""
        self.scope = CancelScope()
        self.is_exposed = False
        """Whether its thread is where an interrupt may arrive; without `cancel_task` only."""
        self.is_interrupted = False
        self.began: Final = now
        self.busy_since: float | None = now
        """When the model began to work; None while its time does not count: it waits for credit."""
        self.grace_s = _SYNC_GRACE_S
        self.interrupt_at = _NEVER
        """When to interrupt it; never, while somebody waits."""
        self.items: Sequence[Item]
        """The requests that the call is made for; a job is for none."""
        if isinstance(work, list):
            self.items = work
        elif isinstance(work, StreamItem):
            self.items = (work,)
        else:
            self.items = ()
            if not work.is_timed:
                self.busy_since = None
        self._expecting = len(self.items)
        for item in self.items:
            item.call = self
            item.has_begun = True

    def cancel_one(self, now: float) -> None:
        """Take note that nobody waits for one of the items; the last one cancels the call."""
        self._expecting -= 1
        if self._expecting == 0:
            self.interrupt_at = now + self.grace_s
            self.scope.cancelled = True
