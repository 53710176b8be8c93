"""The class every model derives from."""

from collections.abc import Awaitable, Sequence
from typing import ClassVar, Final

from gatehouse.tensors import Tensor

SERVING_METHODS: Final = (
    "predict",
    "stream",
    "infer",
    "embed",
    "chat",
    "complete",
    "check_health",
)
"""The methods that a worker tells the daemon of, those of later versions too."""

SERVED_METHODS: Final = ("predict", "stream")
"""The methods that a caller can reach in this version: a model has at least one of them."""


class Model:
    """Derive from it and add `predict`, `stream` or both; each method may be `async def`.

    load(self)            get ready: read weights, warm up. Once, first; raise to fail with a reason
    predict(self, items)  list of JSON values -> list of JSON values, same order; serves
                          `POST /v1/infer/NAME`. A ClientError in a result's place fails that item.
    stream(self, item)    yields JSON values; serves the same as server-sent events, for callers
                          who send `Accept: text/event-stream`
    check_health(self)    raises when the model is unwell; runs when the model is idle
    close(self)           give back what the model holds. Once, after a draining worker's last call

    JSON has no NaN and no infinity: both are written as null.
    All of them run on the model's own thread (with `concurrency` above 1, on as many threads).
    An object is made without arguments, once in each worker process.
    """

    inputs: ClassVar[Sequence[Tensor]] = ()
    outputs: ClassVar[Sequence[Tensor]] = ()

    def load(self) -> Awaitable[None] | None:
        """Get ready: read weights, warm up. Runs once, first; raise to fail with a reason."""

    def close(self) -> Awaitable[None] | None:
        """Give back what the model holds. Runs once, after a draining worker's last call."""


def served_methods(model: type[Model]) -> list[str]:
    """Those of SERVING_METHODS that a model's class has, in a fixed order."""
    return [name for name in SERVING_METHODS if callable(getattr(model, name, None))]
