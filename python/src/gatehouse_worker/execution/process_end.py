"""How the process ends when a thread of the model cannot go on."""

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

_log: Final = logging.getLogger(__name__)


@contextmanager
def end_process_on_error() -> Generator[None]:
    """End the process on what passes through: a worker without its model's thread is of no use.

    A model may call `sys.exit`; its number becomes the process's. All else is 1, with a traceback.
    """
    try:
        yield
    except SystemExit as error:
        _log.error("The model ended the process: sys.exit(%r).", error.code)
        os._exit(error.code if isinstance(error.code, int) else 1)
    except BaseException:  # noqa: BLE001 - the process ends on anything
        _log.exception("The model's thread failed.")
        os._exit(1)
