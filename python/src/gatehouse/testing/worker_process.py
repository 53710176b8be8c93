"""A real worker process, without the daemon: what a model is in production, for one caller."""

import itertools
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

import gatehouse
from gatehouse.testing.errors import WorkerEndedError, error_of
from gatehouse.testing.wire_client import WireClient


class WorkerProcess:
    """A running worker. `wire` speaks to it message by message; the methods are for one request."""

    def __init__(self, process: subprocess.Popen[bytes], wire: WireClient, nonce: str) -> None:
        self.process: Final = process
        self.wire: Final = wire
        self.nonce: Final = nonce
        self._ids: Final = itertools.count(1)

    def wait_until_ready(self) -> dict[str, Any]:
        """Give the worker's `ready`. Raises WorkerEndedError with the reason when it failed."""
        self.wire.hello(self.nonce)
        while True:
            message, _ = self.wire.receive()
            if message["type"] == "failed":
                raise WorkerEndedError(message["message"])
            if message["type"] == "ready":
                return message

    def predict(self, item: object, *, timeout_ms: int = 30_000) -> Any:
        """Ask for one prediction. Raises ClientError, RequestFailedError or WorkerEndedError."""
        self.wire.infer(next(self._ids), orjson.dumps(item), timeout_ms=timeout_ms)
        message, segments = self.wire.receive()
        if message["type"] == "error":
            raise error_of(message["code"], message["message"])
        return orjson.loads(segments[0])

    def stream(self, item: object, *, timeout_ms: int = 30_000) -> Iterator[Any]:
        """Give what the model yields. Raises as `predict` does, at any step."""
        request_id = next(self._ids)
        self.wire.infer(
            request_id, orjson.dumps(item), stream=True, credit=1, timeout_ms=timeout_ms
        )
        rest = b""
        while True:
            message, segments = self.wire.receive()
            if message["type"] == "error":
                raise error_of(message["code"], message["message"])
            if message["type"] == "end":
                return
            if message["type"] == "chunk":
                *events, rest = (rest + b"".join(segments)).split(b"\n\n")
                for event in events:
                    yield orjson.loads(event.removeprefix(b"data: "))
                self.wire.send({"type": "credit", "id": request_id, "n": 1})

    def drain(self) -> int:
        """Have the worker finish and end; gives its exit code, 0 when all went well."""
        self.wire.send({"type": "drain"})
        self.wire.read_to_the_end()
        return self.process.wait(_END_S)


@contextmanager
def run_worker(
    class_spec: str,
    *,
    concurrency: int = 1,
    max_batch: int = 1,
    max_wait_ms: int = 0,
    timeout_ms: int = 30_000,
    is_ready: bool = True,
) -> Generator[WorkerProcess]:
    """Run `file.py:Class` or `package.module:Class` in a worker process, until the block is left.

    With `is_ready=False` the block begins before the first message. Raises WorkerEndedError when
    the worker does not come up.
    """
    nonce = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as folder:
        path = str(Path(folder, "socket"))
        command = [
            *(sys.executable, "-m", "gatehouse_worker"),
            *("--socket", path, "--model", "test", "--class", class_spec),
            *("--concurrency", str(concurrency), "--max-batch", str(max_batch)),
            *("--max-wait-ms", str(max_wait_ms), "--timeout-ms", str(timeout_ms)),
        ]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, env=_environment(nonce), start_new_session=True
        )
        try:
            with process, _connect(path, process) as connected:
                worker = WorkerProcess(process, WireClient(connected), nonce)
                if is_ready:
                    worker.wait_until_ready()
                yield worker
        finally:
            process.kill()
            process.wait()


_END_S: Final = 10
_LISTEN_S: Final = 10


def _environment(nonce: str) -> dict[str, str]:
    source = str(Path(gatehouse.__file__).parent.parent)
    return {
        **os.environ,
        "GATEHOUSE_NONCE": nonce,
        "GATEHOUSE_PARENT_PID": str(os.getpid()),
        "PYTHONPATH": os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


def _connect(path: str, process: subprocess.Popen[bytes]) -> socket.socket:
    give_up = time.monotonic() + _LISTEN_S
    while process.poll() is None and time.monotonic() < give_up:
        connecting = socket.socket(socket.AF_UNIX)
        try:
            connecting.connect(path)
        except OSError:
            connecting.close()
            time.sleep(0.01)
        else:
            return connecting
    raise WorkerEndedError("The worker did not come up.")
