"""The states of a connection and its requests, as the worker keeps them (PROTOCOL.md, 3, 5)."""

from enum import Enum
from typing import NoReturn

from gatehouse_worker.wire.messages import (
    Cancel,
    Check,
    Credit,
    DaemonMessage,
    Drain,
    Hello,
    Infer,
    Ping,
)
from gatehouse_worker.wire.violation import ProtocolViolation


class Phase(Enum):
    """The states of PROTOCOL.md, section 3."""

    STARTING = "starting"
    GREETING = "greeting"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    CLOSED = "closed"


class Conversation:
    """Says whether a message may come now, and knows which requests are open.

    `ended` may be called by any thread, once for each id; `receive` belongs to the thread that
    reads, one at a time; the rest to the I/O thread.
    """

    def __init__(self, capacity: int) -> None:
        """Make one for a worker that holds at most `capacity` requests."""
        self._enter(Phase.STARTING)
        self._capacity = capacity
        self._streams: dict[int, bool] = {}
        self._last_request = 0
        self._last_ping = 0
        self._last_check = 0
        self._is_checking = False

    @property
    def is_idle(self) -> bool:
        """Whether every request has ended."""
        return not self._streams

    def is_open(self, request_id: int) -> bool:
        """Whether the request was sent and has not ended."""
        return request_id in self._streams

    def receive(self, message: DaemonMessage) -> None:
        """Take note of a message of the daemon. Raises ProtocolViolation BAD_STATE."""
        if type(message) not in self._allowed:
            self._refuse(f"`{type(message).__name__}` does not come when {self.phase.value}.")
        match message:
            case Infer():
                self._open(message)
            case Cancel() | Credit():
                self._check_reference(message)
            case Ping():
                self._last_ping = self._rising(message.id, self._last_ping)
            case Check():
                self._begin_check(message)
            case Drain():
                self._enter(Phase.DRAINING)
            case Hello():
                self._enter(Phase.GREETING)

    def greeted(self) -> None:
        """Take note that the worker's `hello` goes out."""
        self._enter(Phase.LOADING)

    def loaded(self) -> None:
        """Take note that `ready` goes out."""
        if self.phase is Phase.LOADING:
            self._enter(Phase.READY)

    def checked(self) -> None:
        """Take note that `health` goes out."""
        self._is_checking = False

    def closed(self) -> None:
        """Take note that nothing more is read or written."""
        self._enter(Phase.CLOSED)

    def ended(self, request_id: int) -> None:
        """Take note that the one end of a request goes out; its slot is free."""
        del self._streams[request_id]

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.is_draining = phase is Phase.DRAINING
        # Kept, because to look up a member of an Enum costs more than all else that is checked.
        self._allowed = _ALLOWED[phase]

    def _open(self, message: Infer) -> None:
        request_id = message.id
        if request_id <= self._last_request:
            self._refuse_order(request_id, self._last_request)
        self._last_request = request_id
        if len(self._streams) >= self._capacity:
            self._refuse(f"More than {self._capacity} requests are open.")
        self._streams[request_id] = message.stream

    def _check_reference(self, message: Cancel | Credit) -> None:
        if message.id > self._last_request:
            self._refuse(f"Request {message.id} was never sent.")
        if isinstance(message, Credit) and self._streams.get(message.id) is False:
            self._refuse(f"Request {message.id} is no stream.")

    def _begin_check(self, message: Check) -> None:
        self._last_check = self._rising(message.id, self._last_check)
        if self._streams or self._is_checking:
            self._refuse("`check` comes only when no request and no other check is open.")
        self._is_checking = True

    def _rising(self, new: int, last: int) -> int:
        if new <= last:
            self._refuse_order(new, last)
        return new

    def _refuse_order(self, new: int, last: int) -> NoReturn:
        self._refuse(f"The id {new} is not greater than {last}.")

    def _refuse(self, reason: str) -> NoReturn:
        raise ProtocolViolation("BAD_STATE", reason)


_ALLOWED: dict[Phase, frozenset[type]] = {
    Phase.STARTING: frozenset({Hello}),
    Phase.GREETING: frozenset(),
    Phase.LOADING: frozenset({Ping, Drain}),
    Phase.READY: frozenset({Infer, Cancel, Credit, Ping, Check, Drain}),
    Phase.DRAINING: frozenset({Cancel, Credit, Ping}),
    Phase.CLOSED: frozenset(),
}
