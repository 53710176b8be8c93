"""How the process ends when a thread of the model cannot go on, or is one too many."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

from gatehouse_worker.log import log_without_lock


@contextmanager
def end_process_on_error() -> Generator[None]:
    """End the process on what passes through: a worker without its model's thread is of no use.

    A model may call `sys.exit`; its number becomes the process's. All else is 1, with a traceback.
    """
    try:
        yield
    except SystemExit as error:
        log_without_lock(f"The model ended the process: sys.exit({error.code!r}).")
        os._exit(error.code if isinstance(error.code, int) else 1)
    except BaseException as error:  # noqa: BLE001 - the process ends on anything
        log_without_lock("The model's thread failed.", error)
        os._exit(1)


def end_forked_copy() -> NoReturn:
    """End a copy of the worker that the model forked and let return from its call.

    It would answer the request a second time, and read what the daemon sends to the worker.
    """
    log_without_lock("A process that the model forked returned from its call, and ends here.")
    os._exit(1)
