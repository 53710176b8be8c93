"""`check_health` runs on the model's own thread, and only when the model is idle."""

from fixtures import MODELS

from gatehouse.testing import WorkerProcess, run_worker

BEHAVING = f"{MODELS}/behaving.py"


def test_a_model_that_is_well_says_ok_from_its_own_thread() -> None:
    for name in ("Health", "Async"):
        with run_worker(f"{BEHAVING}:{name}") as worker:
            assert check(worker, 1) == {"type": "health", "id": 1, "status": "ok"}


def test_a_model_that_is_unwell_says_why() -> None:
    with run_worker(f"{BEHAVING}:Health") as worker:
        assert worker.predict("ill") is True

        health = check(worker, 1)
        assert (health["status"], health["message"]) == (
            "failed",
            "RuntimeError: too little sleep",
        )


def test_a_request_that_comes_right_after_the_check_is_answered_as_well() -> None:
    with run_worker(f"{BEHAVING}:Health") as worker:
        worker.wire.send({"type": "check", "id": 1})
        worker.wire.infer(1, b"1")
        kinds = {worker.wire.receive()[0]["type"] for _ in range(2)}

        assert kinds == {"health", "result"}


def test_close_runs_when_the_worker_drains() -> None:
    with run_worker(f"{BEHAVING}:Health") as worker:
        assert worker.drain() == 0


def check(worker: WorkerProcess, check_id: int) -> dict[str, object]:
    worker.wire.send({"type": "check", "id": check_id})
    return worker.wire.receive()[0]
