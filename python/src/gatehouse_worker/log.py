"""What the worker itself has to say goes to stderr, as what the model prints does."""

import io
import logging
import sys


def set_up_log() -> None:
    """Log to stderr; have prints come out line by line, in order with it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s"
    )
