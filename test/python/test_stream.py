"""Streams: events in order, never more chunks than credit, generators always closed."""

import json
from pathlib import Path

import pytest
from fixtures import EXAMPLES, MODELS, wait_for

from gatehouse.testing import WorkerProcess, run_worker

BEHAVING = f"{MODELS}/behaving.py"
CHUNK_BYTES = 256 * 1024


@pytest.mark.parametrize("name", ["Counting", "Async"])
def test_events_come_in_order_and_then_the_end(name: str) -> None:
    with run_worker(f"{BEHAVING}:{name}") as worker:
        assert list(worker.stream(2000)) == list(range(2000))
        assert list(worker.stream(0)) == []


def test_nothing_comes_without_credit(tmp_path: Path) -> None:
    """WireClient refuses a chunk for which there is no credit."""
    with run_worker(f"{BEHAVING}:Counting") as worker:
        begun = tmp_path / "begun"
        body = json.dumps([100_000, str(begun)]).encode()
        worker.wire.infer(1, body, stream=True, credit=0)
        wait_for(begun)
        for number in (1, 2):
            worker.wire.send({"type": "ping", "id": number})
            assert worker.wire.receive()[0]["type"] == "pong"
        worker.wire.send({"type": "credit", "id": 1, "n": 1})

        assert [message["type"] for message, _ in receive(worker, 2)] == ["start", "chunk"]


def test_a_model_waits_for_a_slow_reader_with_no_more_than_a_chunk_in_hand() -> None:
    with run_worker(f"{BEHAVING}:Counting") as worker:
        worker.wire.infer(1, b"1000000000", stream=True, credit=3)
        start, *chunks = receive(worker, 4)

        assert start[0]["type"] == "start"
        assert all(len(body[0]) <= CHUNK_BYTES for _, body in chunks)
        worker.wire.send({"type": "cancel", "id": 1})
        assert worker.wire.receive()[0]["code"] == "CANCELLED"
        worker.wire.infer(2, b"null")
        assert worker.wire.receive()[1] == [b"1"]


@pytest.mark.parametrize("name", ["Counting", "AsyncCounting"])
@pytest.mark.parametrize("credit", [0, 1])
def test_a_cancelled_stream_ends_and_its_generator_is_closed(
    name: str, credit: int, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    with run_worker(f"{BEHAVING}:{name}") as worker:
        body = json.dumps([1_000_000_000, str(begun)]).encode()
        worker.wire.infer(1, body, stream=True, credit=credit)
        wait_for(begun)
        worker.wire.send({"type": "cancel", "id": 1})
        while (message := worker.wire.receive()[0])["type"] != "error":
            assert message["type"] in ("start", "chunk")

        assert message["code"] == "CANCELLED"
        worker.wire.infer(2, b"null")
        assert worker.wire.receive()[1] == [b"1"]


def test_an_event_longer_than_a_chunk_is_cut() -> None:
    with run_worker(f"{EXAMPLES}/echo.py:Echo") as worker:
        long = "x" * (3 * CHUNK_BYTES + 5)

        assert list(worker.stream(["before", long, "after"])) == ["before", long, "after"]


def test_streams_and_single_answers_share_a_worker() -> None:
    with run_worker(f"{BEHAVING}:Async", concurrency=3) as worker:
        worker.wire.infer(1, b"50", stream=True, credit=100)
        worker.wire.infer(2, b"0.01")
        worker.wire.infer(3, b"50", stream=True, credit=100)
        ended: set[int] = set()
        while len(ended) < 3:
            message, _ = worker.wire.receive()
            if message["type"] in ("end", "result"):
                ended.add(message["id"])
    assert ended == {1, 2, 3}


def receive(worker: WorkerProcess, count: int) -> list[tuple[dict[str, object], list[bytes]]]:
    return [worker.wire.receive() for _ in range(count)]
