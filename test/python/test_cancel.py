"""Cancelling: an item that waits is dropped, work that runs is stopped once nobody waits for it."""

from pathlib import Path

import orjson
import pytest
from fixtures import MODELS, wait_for

from gatehouse.testing import WorkerProcess, run_worker

BEHAVING = f"{MODELS}/behaving.py"
MISBEHAVING = f"{MODELS}/misbehaving.py"


def test_an_item_that_waits_is_dropped_at_once() -> None:
    with run_worker(f"{MISBEHAVING}:OnDemand", max_batch=2, max_wait_ms=60_000) as worker:
        worker.wire.infer(1, b"1")
        cancel(worker, 1)

        assert ends(worker, 1) == {1: "CANCELLED"}


def test_sync_work_that_asks_returns_early_and_its_result_may_race_the_cancel(
    tmp_path: Path,
) -> None:
    with run_worker(f"{BEHAVING}:Asking") as worker:
        run(worker, 1, tmp_path / "started")
        cancel(worker, 1)

        assert ends(worker, 1) == {1: "result"}
        worker.wire.infer(2, b'"count"')
        assert worker.wire.receive()[1] == [b"1"]


def test_sync_work_that_does_not_ask_is_interrupted_and_its_finally_runs(tmp_path: Path) -> None:
    with run_worker(f"{BEHAVING}:Patient") as worker:
        run(worker, 1, tmp_path / "started")
        cancel(worker, 1)

        assert ends(worker, 1) == {1: "CANCELLED"}
        worker.wire.infer(2, b'"count"')
        assert worker.wire.receive()[1] == [b"1"]


def test_a_batch_goes_on_while_somebody_waits_for_any_of_its_items(tmp_path: Path) -> None:
    with run_worker(f"{BEHAVING}:Patient", max_batch=2, max_wait_ms=60_000) as worker:
        worker.wire.infer(1, b"1")
        run(worker, 2, tmp_path / "started")
        cancel(worker, 1)
        assert nothing_comes(worker, 0.5)  # longer than sync work may run on after its cancel
        cancel(worker, 2)

        assert ends(worker, 2) == {1: "CANCELLED", 2: "CANCELLED"}


def test_async_work_is_cancelled_as_a_task_is(tmp_path: Path) -> None:
    with run_worker(f"{BEHAVING}:Async") as worker:
        run(worker, 1, tmp_path / "started")
        cancel(worker, 1)

        assert ends(worker, 1) == {1: "CANCELLED"}
        worker.wire.infer(2, b'"count"')
        assert worker.wire.receive()[1] == [b"1"]


@pytest.mark.parametrize("name", ["Lonely", "LonelyAsync"])
def test_those_who_leave_while_each_is_asked_for_alone_get_their_ends(
    name: str, tmp_path: Path
) -> None:
    with run_worker(f"{BEHAVING}:{name}", max_batch=2, max_wait_ms=60_000) as worker:
        worker.wire.infer(1, orjson.dumps(str(tmp_path / "alone")))
        run(worker, 2, tmp_path / "alone")
        cancel(worker, 1)
        cancel(worker, 2)
        assert ends(worker, 2) == {1: "CANCELLED", 2: "CANCELLED"}

        worker.wire.infer(3, b'""')
        worker.wire.infer(4, b'""')
        assert ends(worker, 2) == {3: "result", 4: "result"}


def test_a_second_cancel_and_one_for_what_has_ended_are_ignored(tmp_path: Path) -> None:
    with run_worker(f"{BEHAVING}:Patient") as worker:
        run(worker, 1, tmp_path / "started")
        cancel(worker, 1)
        cancel(worker, 1)
        assert ends(worker, 1) == {1: "CANCELLED"}
        cancel(worker, 1)
        ping(worker, 1)


def test_the_slot_is_free_only_after_the_end(tmp_path: Path) -> None:
    with run_worker(f"{BEHAVING}:Patient") as worker:
        run(worker, 1, tmp_path / "started")
        cancel(worker, 1)
        worker.wire.infer(2, b"2")

        assert worker.wire.is_at_end()


def test_many_interrupts_at_every_moment_of_a_call_leave_no_request_without_its_one_end() -> None:
    """The interrupt may arrive while the call returns; it never leaks into what comes after."""
    with run_worker(f"{MISBEHAVING}:OnDemand", concurrency=4) as worker:
        for number in range(1, 201):
            worker.wire.infer(number, b'{"do":"sleep","ms":%d}' % (95 + number % 20))
            cancel(worker, number)
            if number % 4 == 0:
                assert set(ends(worker, 4).values()) <= {"CANCELLED", "result"}
        worker.wire.infer(1000, b'"still here"')
        assert worker.wire.receive()[1] == [b'"still here"']


def test_a_call_that_outlives_the_models_timeout_makes_the_worker_give_up(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with run_worker(f"{MISBEHAVING}:Ignorant", timeout_ms=1) as worker:
        run(worker, 1, tmp_path / "started")
        cancel(worker, 1)

        failed, _ = worker.wire.receive()
        assert failed["code"] == "CALL_TIMEOUT"
        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 1
    assert "misbehaving.py" in capfd.readouterr().err


def test_code_that_holds_the_interpreters_lock_stops_the_io_thread_too_until_it_lets_go(
    tmp_path: Path,
) -> None:
    """The daemon, not the worker, has to end this one: no pong comes."""
    with run_worker(f"{MISBEHAVING}:OnDemand") as worker:
        started = tmp_path / "started"
        order = {"do": "hang_in_c", "seconds": 1, "announce": str(started)}
        worker.wire.infer(1, orjson.dumps(order))
        wait_for(started)
        worker.wire.send({"type": "ping", "id": 1})

        assert nothing_comes(worker, 0.5)
        assert {worker.wire.receive()[0]["type"] for _ in range(2)} == {"pong", "result"}


def run(worker: WorkerProcess, request_id: int, started: Path) -> None:
    """Send a request and wait until its call has begun."""
    worker.wire.infer(request_id, orjson.dumps(str(started)))
    wait_for(started)


def nothing_comes(worker: WorkerProcess, seconds: float) -> bool:
    return worker.wire.receive_within(seconds) is None


def cancel(worker: WorkerProcess, request_id: int) -> None:
    worker.wire.send({"type": "cancel", "id": request_id})


def ping(worker: WorkerProcess, number: int) -> None:
    worker.wire.send({"type": "ping", "id": number})
    assert worker.wire.receive()[0] == {"type": "pong", "id": number}


def ends(worker: WorkerProcess, count: int) -> dict[int, str]:
    messages = [worker.wire.receive()[0] for _ in range(count)]
    return {message["id"]: message.get("code", message["type"]) for message in messages}
