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
        return Failure("BAD_REQUEST", _clean(str(error)))
    requests = ", ".join(item.infer.headers.get("x-request-id", "without id") for item in items)
    _log.error("The model failed on request %s.", requests, exc_info=error)
    return MODEL_ERROR


def readable(error: BaseException) -> str:
    """What was raised, on a line or a few, for the daemon and its operator."""
    return _clean(f"{type(error).__name__}: {error}")


def _clean(text: str) -> str:
    """Text of bounded length without unpaired surrogates, which no UTF-8 has."""
    return text[:_MAX_MESSAGE_CHARACTERS].encode(errors="replace").decode()
