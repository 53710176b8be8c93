"""The worker of the raw bridge: uvloop, one Unix socket, and the model on a thread of its own."""

import asyncio
import queue
import struct
import sys
import threading

import uvloop

HEAD = struct.Struct(">II")
STREAM_BIT = 0x8000_0000
CHUNKS = 200


class Bridge(asyncio.Protocol):
    def __init__(self, loop, work):
        self.loop = loop
        self.work = work
        self.buffer = bytearray()

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        self.loop.stop()

    def data_received(self, data):
        buffer = self.buffer
        buffer += data
        start = 0
        while len(buffer) - start >= HEAD.size:
            length, request_id = HEAD.unpack_from(buffer, start)
            end = start + HEAD.size + length
            if len(buffer) < end:
                break
            self.work.put((self, request_id, bytes(buffer[start + HEAD.size : end])))
            start = end
        del buffer[:start]

    def answer(self, request_id, body):
        self.transport.writelines([HEAD.pack(len(body), request_id), body])


def run_model(loop, work):
    while True:
        bridge, request_id, body = work.get()
        if request_id & STREAM_BIT:
            for number in range(CHUNKS):
                event = b"data: %d\n\n" % number
                loop.call_soon_threadsafe(bridge.answer, request_id & ~STREAM_BIT, event)
            loop.call_soon_threadsafe(bridge.answer, request_id & ~STREAM_BIT, b"")
        else:
            loop.call_soon_threadsafe(bridge.answer, request_id, body)


def main():
    loop = uvloop.new_event_loop()
    work = queue.SimpleQueue()
    threading.Thread(target=run_model, args=(loop, work), daemon=True).start()
    loop.run_until_complete(loop.create_unix_server(lambda: Bridge(loop, work), sys.argv[1]))
    loop.run_forever()


main()
