"""Feeds generated frames to the worker's reader: `python fuzz_frames.py --frames 1000000 --seed 1`.

A line of JSON at the end says what was read. Anything but a message or a ProtocolViolation, a good
frame that is not read, or a reader that depends on how the stream was cut, ends it with 1 and the
seed of the stream, which alone brings it back.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable

from frame_mutations import MAX_FRAME_BYTES, generate, pieces

from gatehouse_worker.wire.frame_reader import FrameReader
from gatehouse_worker.wire.messages import DaemonMessage, read_daemon_message
from gatehouse_worker.wire.violation import ProtocolViolation

Reading = tuple[list[object], str]
"""The messages with their segments, and the violation's code or "end"."""


def main() -> None:
    """Run until enough frames were read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    options = parser.parse_args()
    began = time.monotonic()
    outcomes: Counter[str] = Counter()
    frames = streams = 0
    while frames < options.frames:
        seed = options.seed + streams
        streams += 1
        try:
            count, outcome = check_stream(seed)
        except BaseException:
            print(json.dumps({"failed": True, "seed": seed}), file=sys.stderr)
            raise
        frames += count
        outcomes[outcome] += 1
    print(
        json.dumps(
            {
                "frames": frames,
                "streams": streams,
                "seed": options.seed,
                "seconds": round(time.monotonic() - began, 1),
                "outcomes": dict(outcomes.most_common()),
            }
        )
    )


def check_stream(seed: int) -> tuple[int, str]:
    """Read one generated stream whole and cut; gives how many frames it had and how it ended."""
    source = random.Random(seed)
    case = generate(source)
    whole = read([case.stream])
    cut = read(pieces(source, case.stream))
    messages, end = whole
    if whole != cut:
        raise AssertionError("The reader depends on how the stream is cut.")
    if len(messages) < case.good_frames:
        raise AssertionError("A good frame before the broken one was not read.")
    if case.is_valid and end != "end":
        raise AssertionError(f"A valid stream was refused: {end}.")
    return len(messages) + (end != "end"), end


def read(parts: Iterable[bytes]) -> Reading:
    """Read a stream in these parts."""
    messages: list[object] = []

    def collect(message: DaemonMessage, segments: list[memoryview]) -> None:
        messages.append((message, [segment.tobytes() for segment in segments]))

    reader = FrameReader(read_daemon_message, collect, MAX_FRAME_BYTES)
    try:
        for part in parts:
            feed(reader, part)
        reader.end()
    except ProtocolViolation as violation:
        return messages, violation.code
    return messages, "end"


def feed(reader: FrameReader[DaemonMessage], part: bytes) -> None:
    """Give a reader some bytes."""
    while part:
        buffer = reader.buffer()
        count = min(len(part), len(buffer))
        buffer[:count] = part[:count]
        reader.advance(count)
        part = part[count:]


if __name__ == "__main__":
    main()
