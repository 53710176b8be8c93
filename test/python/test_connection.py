"""A connection over a real socket pair: to a daemon that does not read, one that leaves."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence

import pytest
import uvloop

from gatehouse_worker.connection import Connection
from gatehouse_worker.wire.encode import encode_message
from gatehouse_worker.wire.messages import DaemonMessage, Ping
from gatehouse_worker.wire.violation import ProtocolViolation


class Recorder:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[DaemonMessage] = []
        self.ended: list[int] = []
        self.codes: list[str] = []
        self.events: asyncio.Queue[str] = asyncio.Queue()

    def received(self, message: DaemonMessage, segments: Sequence[memoryview]) -> None:
        assert not segments
        self.messages.append(message)
        self.events.put_nowait("received")

    def ending(self, request_ids: Sequence[int]) -> None:
        self.ended += request_ids

    def writable(self) -> None:
        self.events.put_nowait("writable")

    def violated(self, violation: ProtocolViolation) -> None:
        self.codes.append(violation.code)
        self.events.put_nowait("violated")

    def lost(self) -> None:
        self.events.put_nowait("lost")


Scene = Callable[[Connection, Recorder, socket.socket], Coroutine[None, None, None]]


def play(scene: Scene) -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        recorder = Recorder()
        connection = Connection(asyncio.get_running_loop(), recorder)
        connection.attach(ours)
        with ours, theirs:
            await asyncio.wait_for(scene(connection, recorder, theirs), 20)
            connection.unwatch()

    uvloop.run(run())


PING = encode_message({"type": "ping", "id": 1})


def test_messages_arrive_whatever_the_pieces() -> None:
    async def scene(_connection: Connection, recorder: Recorder, theirs: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for byte in PING:
            await loop.sock_sendall(theirs, bytes([byte]))
            await asyncio.sleep(0)
        assert await recorder.events.get() == "received"
        assert recorder.messages == [Ping(1)]

    play(scene)


def test_what_the_daemon_does_not_read_waits_and_arrives_in_order_when_it_does() -> None:
    async def scene(connection: Connection, recorder: Recorder, theirs: socket.socket) -> None:
        pieces = [number.to_bytes(4, "big") * 100_000 for number in range(20)]
        for number, piece in enumerate(pieces):
            connection.send([piece[:7], memoryview(piece)[7:]], ends=[number])
        assert not connection.is_writable
        assert recorder.ended == list(range(20))

        arrived = await receive(theirs, sum(map(len, pieces)))
        assert arrived == b"".join(pieces)
        assert await recorder.events.get() == "writable"
        assert connection.is_writable

    play(scene)


def test_close_sends_what_waits_first() -> None:
    async def scene(connection: Connection, recorder: Recorder, theirs: socket.socket) -> None:
        connection.send([b"x" * 3_000_000])
        connection.close()

        assert len(await receive(theirs, 3_000_000)) == 3_000_000
        assert await asyncio.get_running_loop().sock_recv(theirs, 1) == b""
        connection.send([b"too late"])
        theirs.close()
        assert await recorder.events.get() == "lost"

    play(scene)


def test_a_daemon_may_write_until_it_has_read_to_the_end() -> None:
    async def scene(connection: Connection, recorder: Recorder, theirs: socket.socket) -> None:
        connection.send([b"the last"])
        connection.close()

        await asyncio.get_running_loop().sock_sendall(theirs, PING)
        assert await recorder.events.get() == "received"
        assert await receive(theirs, 8) == b"the last"
        assert await asyncio.get_running_loop().sock_recv(theirs, 1) == b""

    play(scene)


def test_a_daemon_that_does_not_close_cannot_keep_the_connection() -> None:
    async def scene(connection: Connection, recorder: Recorder, theirs: socket.socket) -> None:
        connection.close()

        assert await recorder.events.get() == "lost"
        with pytest.raises(BrokenPipeError):
            theirs.send(PING)

    play(scene)


def test_a_daemon_that_leaves_ends_the_connection_once_also_with_bytes_under_way() -> None:
    async def scene(connection: Connection, recorder: Recorder, theirs: socket.socket) -> None:
        connection.send([b"x" * 3_000_000])
        theirs.close()

        assert await recorder.events.get() == "lost"
        connection.send([b"nobody reads this"])
        connection.close()
        await asyncio.sleep(0)
        assert recorder.events.empty()

    play(scene)


@pytest.mark.parametrize(("sent", "code"), [(b"\0\0\0\0", "BAD_LENGTH"), (PING[:9], "TRUNCATED")])
def test_a_violation_is_told(sent: bytes, code: str) -> None:
    async def scene(_connection: Connection, recorder: Recorder, theirs: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(theirs, sent)
        theirs.shutdown(socket.SHUT_WR)

        assert await recorder.events.get() == "violated"
        assert recorder.codes == [code]

    play(scene)


def test_messages_before_a_violation_still_count() -> None:
    async def scene(_connection: Connection, recorder: Recorder, theirs: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(theirs, PING + b"\xff" * 4)

        assert [await recorder.events.get() for _ in range(2)] == ["received", "violated"]

    play(scene)


async def receive(theirs: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while (missing := count - sum(map(len, parts))) > 0:
        parts.append(await asyncio.get_running_loop().sock_recv(theirs, missing))
    return b"".join(parts)
