"""What a test meets when a request or a worker comes to a bad end.

GatehouseError
├── ClientError           the caller's fault, with the message that they would read
├── RequestFailedError    any other failure of a request; `code` says which
└── WorkerEndedError      the worker did not load, or ended; the message says why
"""

from gatehouse.errors import ClientError, GatehouseError


class RequestFailedError(GatehouseError):
    """A request failed with `code`, for example MODEL_ERROR, CANCELLED or DEADLINE_EXCEEDED."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class WorkerEndedError(GatehouseError):
    """The worker process did not come up, or is gone."""

    code = "WORKER_CRASHED"


def error_of(code: str, message: str) -> GatehouseError:
    """Make the error that a test should see for a failure on the wire."""
    return ClientError(message) if code == ClientError.code else RequestFailedError(code, message)
