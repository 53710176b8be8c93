"""A model that forks: its copy of the worker neither answers nor reads."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from gatehouse import Model
from gatehouse.testing import run_worker


class Forking(Model):
    """Forks in a call, and lets both processes go on; echoes in any other."""

    def predict(self, items: list[Any]) -> list[Any]:
        if items == ["fork"] and os.fork():
            os.wait()
        return items

    def stream(self, item: Any) -> Iterator[Any]:
        yield from self.predict([item])


class ForkingAsync(Model):
    """The same on an event loop."""

    async def predict(self, items: list[Any]) -> list[Any]:
        return Forking().predict(items)


@pytest.mark.parametrize("name", ["Forking", "ForkingAsync"])
def test_a_request_whose_call_forks_has_one_end_and_the_next_ones_too(name: str) -> None:
    with run_worker(f"{__file__}:{name}") as worker:
        for item in ("fork", 1, 2, 3):
            assert worker.predict(item) == item
        assert worker.drain() == 0


def test_a_stream_that_forks_has_one_end_and_nobody_else_reads_the_next_requests() -> None:
    with run_worker(f"{__file__}:Forking") as worker:
        assert list(worker.stream("fork")) == ["fork"]
        for item in range(50):
            assert worker.predict(item) == item
        assert worker.drain() == 0
