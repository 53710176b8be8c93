"""For the tests of a model's author: the model in this process, or in a real worker process.

    from gatehouse.testing import run_here, run_worker

    def test_greets() -> None:
        with run_here(Greeter) as model:
            assert model.predict({"name": "Ada"}) == {"hello": "Ada"}

    def test_greets_as_it_will_run() -> None:
        with run_worker("models/greeter.py:Greeter", max_batch=8) as model:
            assert model.predict({"name": "Ada"}) == {"hello": "Ada"}

Both pass what goes in and comes out through JSON, as a caller's request does.
"""

from gatehouse.testing.errors import RequestFailedError, WorkerEndedError
from gatehouse.testing.here import ModelHere, run_here
from gatehouse.testing.wire_client import WireClient
from gatehouse.testing.worker_process import WorkerProcess, run_worker

__all__ = [
    "ModelHere",
    "RequestFailedError",
    "WireClient",
    "WorkerEndedError",
    "WorkerProcess",
    "run_here",
    "run_worker",
]
