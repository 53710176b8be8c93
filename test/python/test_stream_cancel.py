"""A cancelled stream always gets its end, wherever its model is; nobody grants credit any more."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from fixtures import wait_for

from gatehouse import Model
from gatehouse.testing import WorkerProcess, run_worker

LARGE = "x" * 200_000
"""One such event fits into a chunk, two do not."""


class Writing(Model):
    """Streams `events` large events; then stays for ever if told to make the file `stay`."""

    def predict(self, items: list[Any]) -> list[Any]:
        return items

    def stream(self, item: Any) -> Iterator[str]:
        for _ in range(item["events"]):
            yield LARGE
        if "stay" in item:
            Path(item["stay"]).touch()
            while True:
                time.sleep(0.001)


class WritingAsync(Model):
    """As Writing, with coroutines."""

    async def predict(self, items: list[Any]) -> list[Any]:
        return items

    async def stream(self, item: Any) -> AsyncIterator[str]:
        for _ in range(item["events"]):
            yield LARGE
        if "stay" in item:
            Path(item["stay"]).touch()  # noqa: ASYNC240 - one file, at once
            await asyncio.sleep(3600)


pytestmark = [
    pytest.mark.parametrize("name", ["Writing", "WritingAsync"]),
    pytest.mark.parametrize("credit", [0, 1]),
]


def test_while_its_model_runs(name: str, credit: int, tmp_path: Path) -> None:
    with run_worker(f"{__file__}:{name}", max_batch=2) as worker:
        begin(worker, credit, events=credit + 1, stay=str(tmp_path / "stays"))
        wait_for(tmp_path / "stays")

        assert code_after_cancel(worker) == "CANCELLED"
        assert answers(worker, 2)


def test_while_its_model_waits_for_credit(name: str, credit: int) -> None:
    with run_worker(f"{__file__}:{name}", max_batch=2) as worker:
        begin(worker, credit, events=1000)

        assert code_after_cancel(worker) == "CANCELLED"
        assert answers(worker, 2)


def test_after_its_model_has_finished(name: str, credit: int) -> None:
    with run_worker(f"{__file__}:{name}", max_batch=2) as worker:
        begin(worker, credit, events=credit + 1)
        assert answers(worker, 2)

        assert code_after_cancel(worker) == "CANCELLED"
        assert answers(worker, 3)


def begin(worker: WorkerProcess, credit: int, **body: object) -> None:
    """Send the stream as request 1 and read what its credit lets out."""
    worker.wire.infer(1, orjson.dumps(body), stream=True, credit=credit)
    if credit > 0:
        assert [worker.wire.receive()[0]["type"] for _ in range(2)] == ["start", "chunk"]


def code_after_cancel(worker: WorkerProcess) -> object:
    """Cancel the stream and give the code of what comes next, which is its end."""
    worker.wire.send({"type": "cancel", "id": 1})
    message, _ = worker.wire.receive()
    assert message["id"] == 1
    return message.get("code")


def answers(worker: WorkerProcess, request_id: int) -> bool:
    """Whether the model, which makes one call after the other, comes to another request."""
    worker.wire.infer(request_id, b"0")
    return worker.wire.receive()[0] == {
        "type": "result",
        "id": request_id,
        "status": 200,
        "headers": {"content-type": "application/json"},
        "segments": [1],
    }
