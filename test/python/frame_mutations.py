"""Generated streams of frames, valid and broken, the same for the same seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

MAX_FRAME_BYTES: Final = 4096
_IGNORED: Final[tuple[Any, ...]] = (None, 1.5, "ü", {"a": [{"b": [0]}]})


@dataclass(frozen=True)
class Case:
    """A stream of bytes, how many of its frames are known to be good, and whether all of it is."""

    stream: bytes
    good_frames: int
    is_valid: bool


def generate(source: random.Random) -> Case:
    """Make one to eight frames to a worker; two streams in three have something wrong somewhere."""
    frames = [_frame(source) for _ in range(source.randint(1, 8))]
    if source.random() < 1 / 3:
        return Case(b"".join(frames), len(frames), is_valid=True)
    place = source.randrange(len(frames))
    mutate = source.choice(_MUTATIONS)
    frames[place] = mutate(source, frames[place])
    return Case(b"".join(frames), place, is_valid=False)


def pieces(source: random.Random, stream: bytes) -> list[bytes]:
    """Cut a stream as a socket might."""
    cuts = sorted(source.randrange(len(stream) + 1) for _ in range(source.randint(0, 6)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def _frame(source: random.Random) -> bytes:
    message, body = _message(source)
    text = orjson.dumps(message)
    return len(text).to_bytes(4, "big") + text + body


def _message(source: random.Random) -> tuple[dict[str, Any], bytes]:
    number = source.randint(1, 2**53 - 1)
    kind = source.choice(("infer", "infer", "infer", "cancel", "credit", "ping", "check", "drain"))
    if kind != "infer":
        fields = {"id": number, "n": source.randint(1, 9)} if kind != "drain" else {}
        return {
            "type": kind,
            **fields,
            "ignored": source.choice(_IGNORED),
        }, b""
    bodies = [source.randbytes(source.choice((0, 1, 83, 900))) for _ in range(source.randint(0, 4))]
    stream = source.random() < 0.5
    message: dict[str, Any] = {
        "type": "infer",
        "id": number,
        "route": "json",
        "stream": stream,
        "credit": source.randint(0, 64) if stream else 0,
        "timeoutMs": source.randint(1, 60_000),
        "headers": {"content-type": "application/json", "x-request-id": f"r:{number}"},
    }
    return message | ({"segments": list(map(len, bodies))} if bodies else {}), b"".join(bodies)


def _flip(source: random.Random, frame: bytes) -> bytes:
    place = source.randrange(len(frame))
    return frame[:place] + bytes([frame[place] ^ (1 << source.randrange(8))]) + frame[place + 1 :]


def _truncate(source: random.Random, frame: bytes) -> bytes:
    return frame[: source.randrange(1, len(frame))]


def _insert(source: random.Random, frame: bytes) -> bytes:
    place = source.randrange(len(frame))
    return frame[:place] + source.randbytes(source.randint(1, 9)) + frame[place:]


def _interleave(source: random.Random, frame: bytes) -> bytes:
    place = source.randrange(1, len(frame))
    return frame[:place] + _frame(source) + frame[place:]


def _lie_about_length(source: random.Random, frame: bytes) -> bytes:
    length = source.choice((0, 1, 2**20 + 1, 2**31, 2**32 - 1, source.randrange(2**32)))
    return length.to_bytes(4, "big") + frame[4:]


def _add_a_field(source: random.Random, frame: bytes) -> bytes:
    fields = (
        b'"type":"ping"',  # a key twice
        b'"segments":[%d]' % source.choice((1, 4096, 4097, 2**64)),
        b'"segments":[-1]',
        b'"deep":' + b"[" * 32 + b"]" * 32,
        b'"deeper":' + b"[" * 2000 + b"]" * 2000,
    )
    length = int.from_bytes(frame[:4], "big")
    text = frame[4 : 3 + length] + b"," + source.choice(fields) + b"}"
    return len(text).to_bytes(4, "big") + text + frame[4 + length :]


def _garbage(source: random.Random, frame: bytes) -> bytes:
    return source.randbytes(len(frame))


_MUTATIONS: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    _flip,
    _truncate,
    _insert,
    _interleave,
    _lie_about_length,
    _add_a_field,
    _garbage,
)
