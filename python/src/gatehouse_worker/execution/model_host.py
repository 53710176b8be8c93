"""One model in this process: its class, its object, its threads."""

import inspect
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, TypeAlias

import uvloop

from gatehouse import Model
from gatehouse.model import SERVING_METHODS, served_methods
from gatehouse_worker.execution.async_calls import AsyncCalls
from gatehouse_worker.execution.call import Call, Job
from gatehouse_worker.execution.leader import Inbox, Leader
from gatehouse_worker.execution.process_end import end_process_on_error
from gatehouse_worker.execution.replies import Replies
from gatehouse_worker.execution.sync_calls import SyncCalls
from gatehouse_worker.execution.work_queue import WorkQueue

Done: TypeAlias = Callable[[BaseException | None], object]
"""Gets what was raised, or None. Called on the model's thread."""


class ModelBusyError(Exception):
    """The model had something better to do than a health check."""


class ModelHost:
    """Loads a model on a thread of its own and makes there the calls that the queue gives."""

    def __init__(
        self,
        *,
        load_class: Callable[[], type[Model]],
        concurrency: int,
        queue: WorkQueue,
        replies: Replies,
        inbox: Inbox | None = None,
    ) -> None:
        """`load_class` is called on the model's thread too: imports can take long.

        `inbox` is read by the model's thread while that is idle, when it is the only one.
        """
        self._load_class: Final = load_class
        self._concurrency: Final = concurrency
        self._queue: Final = queue
        self._replies: Final = replies
        self._inbox: Final = inbox
        self._model: Model | None = None
        self.methods: Final[dict[str, Callable[..., Any]]] = {}
        """The serving methods that the model has, by name; empty before it is made."""

    def load(self, done: Done) -> None:
        """Import the class, make the object and call its `load`."""
        self._start_thread(0, lambda: self._load_and_serve(done))

    def describe(self) -> dict[str, object]:
        """Give the fields `methods`, `inputs` and `outputs` of `ready`; after `load`."""
        if self._model is None:
            raise RuntimeError("The model is not loaded.")
        return {
            "methods": list(self.methods),
            "inputs": [asdict(tensor) for tensor in self._model.inputs],
            "outputs": [asdict(tensor) for tensor in self._model.outputs],
        }

    def check(self, done: Done) -> None:
        """Call `check_health`; when a request waits or runs by then, `done` gets ModelBusyError."""

        def run() -> object:
            if self._queue.has_items():
                raise ModelBusyError
            return self.methods["check_health"]()

        self._queue.put(Job(run, done, is_timed=True))

    def close(self, done: Done) -> None:
        """Call `close`, after what waits; then the model's threads end."""
        if self._model is not None:
            self._queue.put(Job(self._model.close, done))
        self._queue.stop()

    def _load_and_serve(self, done: Done) -> None:
        try:
            model_class = self._load_class()
        except BaseException as error:  # noqa: BLE001 - `done` decides what it means
            done(error)
            return
        self._queue.put(Job(lambda: self._make_model(model_class), done))
        if _is_async(model_class):
            calls = AsyncCalls(
                queue=self._queue,
                methods=self.methods,
                replies=self._replies,
                concurrency=self._concurrency,
            )
            uvloop.run(calls.serve())
        else:
            calls = SyncCalls(self._queue, self._taking(), self.methods, self._replies)
            for number in range(1, self._concurrency):
                self._start_thread(number, calls.serve)
            calls.serve()

    def _taking(self) -> Callable[[], Call | None]:
        if self._inbox is None or self._concurrency > 1:
            return self._queue.take
        return Leader(self._queue, self._inbox).take

    def _make_model(self, model_class: type[Model]) -> object:
        model = model_class()
        self.methods.update({name: getattr(model, name) for name in served_methods(model_class)})
        self._model = model
        return model.load()

    def _start_thread(self, number: int, work: Callable[[], None]) -> None:
        def run() -> None:
            with end_process_on_error():
                work()

        threading.Thread(target=run, name=f"model-{number}", daemon=True).start()


def _is_async(model_class: type[Model]) -> bool:
    """Whether a serving method, other than the health check, is a coroutine or async generator."""
    return any(
        inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
        for name in SERVING_METHODS
        if name != "check_health" and (method := getattr(model_class, name, None)) is not None
    )
