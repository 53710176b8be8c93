"""What a model raised, as the caller may know it, and as the log keeps it."""

import logging
from collections.abc import Iterable
from typing import Final

from gatehouse import ClientError
from gatehouse_worker.answers import MODEL_ERROR, Failure
from gatehouse_worker.execution.call import Item

_log: Final = logging.getLogger(__name__)

_MAX_MESSAGE_CHARACTERS: Final = 4096


def failure_of(error: BaseException, items: Iterable[Item]) -> Failure:
    """Turn what was raised for these items into their answer; what is not for callers is logged."""
    if isinstance(error, ClientError):
        return Failure("BAD_REQUEST", _text(error) or "The model refused this request.")
    requests = ", ".join(item.infer.headers.get("x-request-id", "without id") for item in items)
    _log.error("The model failed on request %s.", requests, exc_info=error)
    return MODEL_ERROR


def readable(error: BaseException) -> str:
    """What was raised, on a line or a few, for the daemon and its operator."""
    return f"{type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    """What an exception says, of bounded length and without surrogates, which no UTF-8 has."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an exception's own `__str__` may fail too
        return "(it cannot say what is wrong)"
    return text[:_MAX_MESSAGE_CHARACTERS].encode(errors="replace").decode()
