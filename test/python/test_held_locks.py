"""A model that hangs with a lock in its hand does not take the I/O thread along."""

import contextlib
import logging
import os
import sys
import time
from typing import Any

import pytest

from gatehouse import Model
from gatehouse.testing import run_worker


class Logging(Model):
    """Hangs while it logs."""

    def predict(self, items: list[Any]) -> list[Any]:
        logging.getLogger().handlers[0].acquire()
        hang()
        return items


class Printing(Model):
    """Hangs while it prints: nobody reads the pipe that it made its stdout."""

    def predict(self, items: list[Any]) -> list[Any]:
        _, self._full = os.pipe()
        os.dup2(self._full, 1)
        print("x" * 1_000_000)
        return items


class WithoutStreams(Model):
    """Has taken away where the worker writes, and hangs."""

    def predict(self, items: list[Any]) -> list[Any]:
        sys.stdout = sys.stderr = None
        os.close(2)
        hang()
        return items


class Muffling(Model):
    """Makes a pipe that is full, and that nobody reads, its stderr, and hangs."""

    def predict(self, items: list[Any]) -> list[Any]:
        _, self._full = os.pipe()
        os.set_blocking(self._full, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self._full, b"x" * 4096)
        os.set_blocking(self._full, True)
        os.dup2(self._full, 2)
        hang()
        return items


def hang() -> None:
    while True:
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["Logging", "Printing", "WithoutStreams", "Muffling"])
def test_a_call_that_hangs_with_it_ends_the_worker_in_time(name: str) -> None:
    with run_worker(f"{__file__}:{name}", timeout_ms=1) as worker:
        worker.wire.infer(1, b"0")

        assert worker.wire.receive()[0]["code"] == "CALL_TIMEOUT"
        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 1
