"""What the worker itself has to say goes to stderr, as what the model prints does."""

import io
import logging
import os
import sys
import traceback
from contextlib import suppress
from typing import Final

_MAX_RECORD_CHARACTERS: Final = 16_384

STDERR: Final = os.dup(2)
"""To write to a descriptor takes no lock, unlike `sys.stderr`.

Not 2 itself: there a model may have put a pipe that nobody reads.
"""


def set_up_log() -> None:
    """Log to stderr; have prints come out line by line, in order with it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_BoundedFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def log_without_lock(text: str, error: BaseException | None = None) -> None:
    """Log an error when nothing may be waited for, as on the I/O thread.

    A thread of the model may hold the locks of `logging` and of `sys.stderr`, and never let go.
    """
    with suppress(OSError, MemoryError):  # what comes after it, often the end, matters more
        record = f"ERROR gatehouse_worker: {text}\n"
        if error is not None:
            record += "".join(traceback.format_exception(error))
        os.write(STDERR, _bounded(record).encode(errors="backslashreplace"))


class _BoundedFormatter(logging.Formatter):
    """Leaves the middle out of a record that is too long: an exception may quote a whole body."""

    def format(self, record: logging.LogRecord) -> str:
        return _bounded(super().format(record))


def _bounded(text: str) -> str:
    if len(text) <= _MAX_RECORD_CHARACTERS:
        return text
    half = _MAX_RECORD_CHARACTERS // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters ...\n{text[-half:]}"
