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
"""The methods a model may add; those it has are what it serves."""


class Model:
    """Derive from it and add the methods the model should serve; each may be `async def`.

    predict(self, items)           list of JSON values -> list of JSON values, same order; serves
                                   `/v1/infer`. A ClientError in a result's place fails that item.
    stream(self, item)             yields JSON values; serves `/v1/infer` as an event stream
    infer(self, batch)             list of {name: ndarray} -> list of {name: ndarray}; serves `/v2`
    embed(self, texts)             -> 2-D float array; serves `/v1/embeddings`
    chat(self, messages, params)   yields text; serves `/v1/chat/completions`
    complete(self, prompt, params) yields text; serves `/v1/completions`
    check_health(self)             raises when the model is unwell; runs when the model is idle

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
    """The names of the serving methods that a model's class has, in a fixed order."""
    return [name for name in SERVING_METHODS if callable(getattr(model, name, None))]
