"""Generated and mutated streams: the reader gives messages or a violation, and nothing else."""

import json
import tracemalloc

import pytest
from fuzz_frames import check_stream, feed, read
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_worker.wire.frame_reader import FrameReader
from gatehouse_worker.wire.message_json import parse_message
from gatehouse_worker.wire.messages import read_daemon_message
from gatehouse_worker.wire.violation import ProtocolViolation

SEED = 20_261_124


def test_thousands_of_generated_streams_are_read_alike_however_they_are_cut() -> None:
    """`fuzz_frames.py` runs the same with millions."""
    for number in range(4_000):
        check_stream(SEED + number)


@given(st.binary(max_size=300))
def test_any_bytes_give_messages_or_a_violation(stream: bytes) -> None:
    read([stream])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_any_json_object_is_read_as_the_library_reads_it(fields: dict[str, object]) -> None:
    """Whether it takes the short way or the strict one."""
    for text in (json.dumps(fields), json.dumps(fields, separators=(",", ":"), ensure_ascii=False)):
        assert parse_message(text.encode()) == fields


@given(st.dictionaries(st.text(), JSON, min_size=1), st.data())
def test_a_key_twice_is_found_deep_inside(fields: dict[str, object], data: st.DataObject) -> None:
    key = json.dumps(data.draw(st.sampled_from(list(fields))))
    text = json.dumps({"a": [fields]}, ensure_ascii=False)[:-3] + f",{key}:1}}]}}"
    with pytest.raises(ProtocolViolation) as refused:
        parse_message(text.encode())

    assert refused.value.code == "DUPLICATE_KEY"


def test_a_long_segment_is_received_into_memory_of_its_own_size_and_copied_no_more() -> None:
    size = 8 * 1024 * 1024
    head = frame_head(size)
    received: list[int] = []
    reader = FrameReader(
        read_daemon_message, lambda _message, segments: received.append(len(segments[0]))
    )
    piece = bytes(50_000)
    tracemalloc.start()
    feed(reader, head)
    for at in range(0, size, len(piece)):
        feed(reader, piece[: size - at])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert received == [size]
    assert peak < size + 100_000


def test_nothing_is_allocated_for_a_length_that_is_refused() -> None:
    tracemalloc.start()
    for stream in (b"\xff\xff\xff\xff", frame_head(2**40)):
        with pytest.raises(ProtocolViolation):
            feed(FrameReader(read_daemon_message, lambda _message, _segments: None), stream)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 700_000  # two readers with their buffers


def frame_head(size: int) -> bytes:
    message: dict[str, object] = {
        "type": "infer",
        "id": 1,
        "route": "json",
        "stream": False,
        "credit": 0,
        "timeoutMs": 1,
        "headers": {},
        "segments": [size],
    }
    text = json.dumps(message).encode()
    return len(text).to_bytes(4, "big") + text
