"""What the worker says of itself never keeps it from what it does next."""

import traceback

import pytest

from gatehouse_worker.log import log_without_lock


def test_no_memory_for_a_message_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def format_exception(error: BaseException) -> list[str]:
        raise MemoryError from error

    monkeypatch.setattr(traceback, "format_exception", format_exception)

    log_without_lock("The model's thread failed.", MemoryError())
