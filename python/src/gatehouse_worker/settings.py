"""What the daemon tells a worker when it starts it: arguments, and two names in the environment."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatehouse_worker.wire.limits import MAX_FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run one model."""

    socket: str
    """Where to listen; the path must be free."""
    name: str
    class_spec: str
    """`/path/to/file.py:Class` or `package.module:Class`."""
    concurrency: int
    max_batch: int
    max_wait_ms: int
    timeout_ms: int
    max_frame_bytes: int
    nonce: str
    """64 hexadecimal digits: the first half proves the daemon to us, the second us to it."""
    parent_pid: int | None
    """The daemon's process id; None when somebody runs a worker by hand."""


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the command line and the environment. Raises SystemExit 2 with a sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="gatehouse_worker", description="Runs one model for the Gatehouse daemon."
    )
    parser.add_argument("--socket", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--class", required=True, dest="class_spec")
    parser.add_argument("--concurrency", type=_positive, default=1)
    parser.add_argument("--max-batch", type=_positive, default=1)
    parser.add_argument("--max-wait-ms", type=_natural, default=0)
    parser.add_argument("--timeout-ms", type=_positive, default=30_000)
    parser.add_argument("--max-frame-bytes", type=_positive, default=MAX_FRAME_BYTES)
    options = parser.parse_args(arguments)
    nonce = environment.get("GATEHOUSE_NONCE", "")
    if len(nonce) != _NONCE_DIGITS or not set(nonce) <= set("0123456789abcdef"):
        parser.error("GATEHOUSE_NONCE must hold 64 lower-case hexadecimal digits.")
    parent = environment.get("GATEHOUSE_PARENT_PID")
    if parent is not None and not parent.isdecimal():
        parser.error("GATEHOUSE_PARENT_PID must be a process id.")
    return Settings(
        socket=options.socket,
        name=options.model,
        class_spec=options.class_spec,
        concurrency=options.concurrency,
        max_batch=options.max_batch,
        max_wait_ms=options.max_wait_ms,
        timeout_ms=options.timeout_ms,
        max_frame_bytes=min(options.max_frame_bytes, MAX_FRAME_BYTES),
        nonce=nonce,
        parent_pid=None if parent is None else int(parent),
    )


_NONCE_DIGITS = 64


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be at least 0")
    return number
