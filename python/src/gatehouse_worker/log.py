"""What the worker itself has to say goes to stderr, as what the model prints does."""

import io
import logging
import sys
from typing import Final

_MAX_RECORD_CHARACTERS: Final = 16_384


def set_up_log() -> None:
    """Log to stderr; have prints come out line by line, in order with it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_BoundedFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _BoundedFormatter(logging.Formatter):
    """Leaves the middle out of a record that is too long: an exception may quote a whole body."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if len(text) <= _MAX_RECORD_CHARACTERS:
            return text
        half = _MAX_RECORD_CHARACTERS // 2
        return f"{text[:half]}\n... {len(text) - 2 * half} characters ...\n{text[-half:]}"
