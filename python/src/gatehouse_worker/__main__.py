"""`python -m gatehouse_worker`: reads its settings, guards itself, serves one connection."""

import asyncio
import os
import sys
import threading
from contextlib import suppress
from typing import Any, Final

import uvloop

from gatehouse_worker.listen import accept_one
from gatehouse_worker.log import log_without_lock, set_up_log
from gatehouse_worker.process_guard import die_with_parent, watch_parent, watch_stdin
from gatehouse_worker.settings import Settings, read_settings
from gatehouse_worker.worker_loop import WorkerLoop


def main() -> None:
    """Run until the connection ends. Exit codes: 0 drained, 2 wrong arguments, 1 all else."""
    settings = read_settings(sys.argv[1:], os.environ)
    die_with_parent(settings.parent_pid)
    watch_stdin(lambda: leave(1))
    set_up_log()
    try:
        uvloop.run(serve(settings))
    except OSError as error:
        log_without_lock(f"Cannot listen on {settings.socket}: {error}")
        leave(1)


async def serve(settings: Settings) -> None:
    """Wait for the daemon and serve it; `leave` ends the process."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(leave_on_error)
    guard = loop.create_task(watch_parent(settings.parent_pid, lambda: leave(1)))
    accepted = await accept_one(settings.socket)
    worker = WorkerLoop(settings, loop, leave)
    worker.connection.attach(accepted)
    await guard


def leave_on_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """End the process when the I/O thread meets what it does not expect, such as no memory."""
    log_without_lock("The worker failed.", context.get("exception"))
    leave(1)


def leave(exit_code: int) -> None:
    """End the process now, whatever its other threads are doing; what was printed is kept.

    But not for ever: a thread that hangs while it prints keeps the stream's lock.
    """
    flushing = threading.Thread(target=flush_prints, name="flush", daemon=True)
    try:
        flushing.start()
        flushing.join(_FLUSH_S)
    finally:
        os._exit(exit_code)


def flush_prints() -> None:
    """Write out what `print` still keeps."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # the model may have taken it away
            stream.flush()


_FLUSH_S: Final = 1.0
"""How long what was printed may take to be written out."""


if __name__ == "__main__":
    main()
