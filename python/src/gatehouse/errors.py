"""The errors a model author meets.

BaseException
├── Cancelled            nobody waits for this call any more: clean up and let it pass
└── Exception
    └── GatehouseError
        └── ClientError  the caller's fault: becomes 400 with its message
"""


class GatehouseError(Exception):
    """Base of the errors of this package; `code` never changes between versions."""

    code: str = "INTERNAL"


class ClientError(GatehouseError):
    """Raise it, or return it in the place of a result, when the caller sent something unusable.

    The caller gets status 400 and reads the message, so write it for them: what is wrong and what
    is expected instead. Any other exception becomes 500 and stays in the log.
    """

    code = "BAD_REQUEST"


class Cancelled(BaseException):
    """Interrupts work that nobody waits for any more.

    It derives from BaseException so that `except Exception` does not swallow it. Use `finally` to
    give back what the call holds, and let it pass. Async code meets `asyncio.CancelledError`.
    """
