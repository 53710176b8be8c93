"""Random daemons against a real worker: whatever they send, each request has exactly one end.

WireClient refuses everything that PROTOCOL.md forbids the worker, so a step that returns was legal.
"""

import random
from typing import Any

import orjson
import pytest
from fixtures import MODELS

from gatehouse.testing import WorkerProcess, run_worker

STEPS = 600
MAX_BATCH = 4


@pytest.mark.parametrize(("name", "concurrency"), [("Busy", 1), ("Busy", 3), ("BusyAsync", 3)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_request_of_a_random_daemon_ends_once_and_the_worker_drains(
    name: str, concurrency: int, seed: int
) -> None:
    spec = f"{MODELS}/behaving.py:{name}"
    with run_worker(
        spec, concurrency=concurrency, max_batch=MAX_BATCH, max_wait_ms=seed % 2
    ) as worker:
        daemon = RandomDaemon(worker, random.Random(seed), concurrency * MAX_BATCH)
        for _ in range(STEPS):
            daemon.step()
        daemon.finish()

        assert daemon.sent == daemon.ended
        worker.wire.read_to_the_end()
        assert worker.process.wait(10) == 0


class RandomDaemon:
    """Sends what a daemon may send, in any order it may."""

    def __init__(self, worker: WorkerProcess, source: random.Random, capacity: int) -> None:
        self.sent: list[int] = []
        self.ended: list[int] = []
        self._worker = worker
        self._source = source
        self._capacity = capacity
        self._streams: dict[int, bool] = {}
        self._cancelled: set[int] = set()
        self._next_id = 1
        self._pings = 0
        self._checks = 0
        self._is_checking = False

    def step(self) -> None:
        """Do one thing, or read one message when there is nothing else to do or by chance."""
        kind = self._source.choice(
            ("infer", "infer", "stream", "cancel", "credit", "ping", "check")
        )
        match kind:
            case "infer" | "stream" if len(self._streams) < self._capacity:
                self._infer(is_stream=kind == "stream")
            case "cancel" if self.sent:
                # Often of what has ended already.
                number = self._source.choice(self.sent)
                self._cancelled.add(number)
                self._send(type="cancel", id=number)
            case "credit" if any(self._streams.values()):
                streams = [number for number, is_stream in self._streams.items() if is_stream]
                self._grant(self._source.choice(streams))
            case "ping":
                self._pings += 1
                self._send(type="ping", id=self._pings)
            case "check" if not self._streams and not self._is_checking:
                self._checks += 1
                self._is_checking = True
                self._send(type="check", id=self._checks)
            case _:
                self._receive_some(0.002)
        self._receive_some(0)

    def finish(self) -> None:
        """Drain: grant what streams need, but nothing to what was cancelled; read all ends."""
        self._send(type="drain")
        while self._streams:
            for number, is_stream in self._streams.items():
                if is_stream and number not in self._cancelled:
                    self._grant(number)
            self._take(self._worker.wire.receive()[0])
        self.sent.sort()
        self.ended.sort()

    def _infer(self, *, is_stream: bool) -> None:
        number = self._next_id
        self._next_id += self._source.randint(1, 3)
        if is_stream:
            events = self._source.randint(0, 40)
            body: dict[str, Any] = {
                "events": events,
                "bytes": self._source.choice((1, 100, 50_000)),
            }
        else:
            body = {"ms": self._source.choice((0, 0, 1, 5, 300))}
        self._worker.wire.infer(
            number,
            orjson.dumps(body),
            stream=is_stream,
            credit=self._source.randint(0, 3) if is_stream else 0,
            timeout_ms=self._source.choice((1, 50, 30_000)),
        )
        self._streams[number] = is_stream
        self.sent.append(number)

    def _grant(self, number: int) -> None:
        self._send(type="credit", id=number, n=self._source.randint(1, 4))

    def _receive_some(self, seconds: float) -> None:
        while (received := self._worker.wire.receive_within(seconds)) is not None:
            self._take(received[0])

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "health":
            self._is_checking = False
        if message["type"] in ("result", "error", "end"):
            del self._streams[message["id"]]
            self.ended.append(message["id"])

    def _send(self, **message: object) -> None:
        self._worker.wire.send(message)
