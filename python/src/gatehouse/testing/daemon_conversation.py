"""The states of a connection and its requests, as the daemon keeps them (PROTOCOL.md, 3 and 5)."""

from collections import deque
from typing import Any, Final, NoReturn

from gatehouse_worker.wire.violation import ProtocolViolation


class DaemonConversation:
    """Says whether a worker's message may come, from what was sent to it before."""

    def __init__(self) -> None:
        self._phase = "starting"
        self._may_get_ready = False
        self._requests: Final[dict[int, _Request]] = {}
        self._pings: Final[deque[int]] = deque()
        self._check: int | None = None

    def sent(self, message: dict[str, Any]) -> None:
        """Take note of a message to the worker; it is not judged."""
        match message["type"]:
            case "hello":
                self._phase = "greeting"
            case "infer":
                self._requests[message["id"]] = _Request(message["stream"], message["credit"])
            case "credit" if message["id"] in self._requests:
                self._requests[message["id"]].credit += message["n"]
            case "ping":
                self._pings.append(message["id"])
            case "check":
                self._check = message["id"]
            case "drain":
                self._may_get_ready = self._phase == "loading"
                self._phase = "draining"
            case _:
                pass

    def received(self, message: dict[str, Any]) -> None:
        """Take note of a worker's message. Raises ProtocolViolation BAD_STATE."""
        kind = message["type"]
        if kind not in _ALLOWED[self._phase]:
            _refuse(f"`{kind}` does not come when {self._phase}.")
        match kind:
            case "hello":
                self._phase = "loading"
            case "ready":
                self._get_ready()
            case "failed":
                self._phase = "closed"
            case "pong":
                if not self._pings or self._pings.popleft() != message["id"]:
                    _refuse(f"Pong {message['id']} is not the one that is due.")
            case "health":
                if self._check != message["id"]:
                    _refuse(f"Check {message['id']} was never sent.")
                self._check = None
            case _:
                self._advance(message)

    def _get_ready(self) -> None:
        if self._phase == "draining" and not self._may_get_ready:
            _refuse("`ready` comes once.")
        self._may_get_ready = False
        if self._phase == "loading":
            self._phase = "ready"

    def _advance(self, message: dict[str, Any]) -> None:
        request = self._requests.get(message["id"])
        if request is None:
            _refuse(f"Request {message['id']} is not open.")
        request.advance(message)
        if message["type"] in _ENDS:
            del self._requests[message["id"]]


class _Request:
    def __init__(self, stream: bool, credit: int) -> None:  # noqa: FBT001 - the wire's own field
        self.credit = credit
        self._states = _STREAM if stream else _UNARY
        self._state = "sent"
        self._next_seq = 0

    def advance(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind not in self._states[self._state]:
            _refuse(f"`{kind}` does not come for a request that is {self._state}.")
        if kind == "start":
            self._state = "open"
        elif kind == "chunk":
            if message["seq"] != self._next_seq or self.credit == 0:
                _refuse(f"Chunk {message['seq']} is not the one that may come.")
            self._next_seq += 1
            self.credit -= 1


_ENDS: Final = frozenset({"result", "error", "end"})
_UNARY: Final = {"sent": frozenset({"result", "error"})}
_STREAM: Final = {
    "sent": frozenset({"start", "result", "error"}),
    "open": frozenset({"chunk", "end", "error"}),
}
_SERVING: Final = frozenset(
    {"result", "error", "start", "chunk", "end", "pong", "health", "failed"}
)
_ALLOWED: Final[dict[str, frozenset[str]]] = {
    "starting": frozenset(),
    "greeting": frozenset({"hello", "failed"}),
    "loading": frozenset({"ready", "failed", "pong"}),
    "ready": _SERVING,
    "draining": _SERVING | {"ready"},
    "closed": frozenset(),
}


def _refuse(reason: str) -> NoReturn:
    raise ProtocolViolation("BAD_STATE", reason)
