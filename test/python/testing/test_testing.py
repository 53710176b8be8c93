"""`gatehouse.testing`: the same model gives the same answers in this process and in a worker."""

import subprocess
import sys

import pytest
from behaving import Async, Batched, Counting, Health, Raising
from fixtures import MODELS
from misbehaving import LoadRaises

from gatehouse import ClientError
from gatehouse.testing import RequestFailedError, run_here, run_worker


def test_items_asked_together_meet_in_a_batch() -> None:
    with run_here(Batched, max_batch=3, max_wait_ms=60_000) as model:
        answers = model.predict_together(["a", "b", "c"])

    assert answers == [{"item": item, "batch": 3} for item in "abc"]


def test_errors_are_those_that_a_caller_would_get_here_and_there() -> None:
    with run_here(Raising) as here, run_worker(f"{MODELS}/behaving.py:Raising") as there:
        for model in (here, there):
            with pytest.raises(ClientError, match=r"^This input is of no use\.$"):
                model.predict("client")
            with pytest.raises(RequestFailedError) as failed:
                model.predict("error")
            assert failed.value.code == "MODEL_ERROR"
            events = model.stream("client")
            assert next(events) == 1
            with pytest.raises(ClientError):
                next(events)


def test_streams_are_the_same_here_and_there() -> None:
    with run_here(Counting) as here, run_worker(f"{MODELS}/behaving.py:Counting") as there:
        assert list(here.stream(5)) == list(there.stream(5)) == [0, 1, 2, 3, 4]


def test_an_async_model_runs_here_too() -> None:
    with run_here(Async, concurrency=2) as model:
        assert model.predict_together([0.01, 0.01]) == [1, 1]
        assert list(model.stream(3)) == [0, 1, 2]
        model.check_health()
        with pytest.raises(ClientError):
            model.predict("client")


def test_a_health_check_raises_what_the_model_raises() -> None:
    with run_here(Health) as model:
        model.check_health()
        model.predict("ill")
        with pytest.raises(RuntimeError, match="too little sleep"):
            model.check_health()


def test_what_load_raises_is_raised() -> None:
    with pytest.raises(RuntimeError, match="the weights are missing"), run_here(LoadRaises):
        pass


def test_the_sdk_does_not_import_numpy_or_the_worker_by_itself() -> None:
    code = "import sys, gatehouse; print({'numpy', 'gatehouse_worker', 'orjson'} & {*sys.modules})"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(MODELS.parent.parent.parent / "python/src")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed == "set()\n"
