"""The socket that the daemon connects to."""

import asyncio
import os
import socket


async def accept_one(path: str) -> socket.socket:
    """Listen on `path`, only for this user, until one connects; then nobody else can.

    Raises OSError when the path is taken or longer than the system allows (about 100 bytes).
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        old_mask = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(old_mask)
        try:
            listener.listen(1)
            listener.setblocking(False)
            accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
        finally:
            os.unlink(path)  # noqa: PTH108 - a path of ours, and nothing async to be had
    accepted.setblocking(False)
    return accepted
