"""A ClientError for a whole batch: each item is asked for alone, with what its caller sent."""

from typing import Any

import orjson
import pytest

from gatehouse import ClientError, Model
from gatehouse.testing import run_worker


class Emptying(Model):
    """Takes out of its list what it looks at, and refuses the negative."""

    def predict(self, items: list[Any]) -> list[Any]:
        results: list[Any] = []
        while items:
            item = items.pop(0)
            if item["number"] < 0:
                raise ClientError("Below zero.")
            item["number"] += 1
            results.append(item["number"])
        return results


class EmptyingAsync(Emptying):
    """As Emptying, with a coroutine."""

    async def predict(self, items: list[Any]) -> list[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().predict(items)


@pytest.mark.parametrize("name", ["Emptying", "EmptyingAsync"])
def test_a_method_that_changed_its_items_is_asked_again_with_those_of_the_callers(
    name: str,
) -> None:
    with run_worker(f"{__file__}:{name}", max_batch=3, max_wait_ms=60_000) as worker:
        for number, sent in enumerate((1, -1, 3), 1):
            worker.wire.infer(number, orjson.dumps({"number": sent}))
        received = [worker.wire.receive() for _ in range(3)]

    answers = {message["id"]: message.get("message") or body[0] for message, body in received}
    assert answers == {1: b"2", 2: "Below zero.", 3: b"4"}
