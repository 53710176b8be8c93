"""The bytes of a stream between two threads: nothing lost, nothing doubled, nothing unbounded."""

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_worker.answers import CANCELLED, MODEL_ERROR, STREAM_END
from gatehouse_worker.execution.stream_output import StreamOutput
from gatehouse_worker.wire.limits import MAX_CHUNK_BYTES


def chunks_of(output: StreamOutput) -> list[bytes]:
    return [bytes(chunk) for chunk in iter(output.next_chunk, None)]


def test_events_that_wait_share_a_chunk() -> None:
    output = StreamOutput(credit=5)
    output.write(b"a")
    output.write(b"b")

    assert chunks_of(output) == [b"ab"]


def test_no_chunk_goes_out_without_credit_and_each_takes_one() -> None:
    output = StreamOutput(credit=1)
    output.write(b"a")
    assert chunks_of(output) == [b"a"]
    output.write(b"b")
    assert chunks_of(output) == []
    output.grant(1)
    assert chunks_of(output) == [b"b"]


def test_a_writer_is_told_to_wait_when_a_chunk_is_full_and_to_go_on_when_it_is_out() -> None:
    output = StreamOutput(credit=1)
    went_on: list[bool] = []
    output.on_room = lambda: went_on.append(output.has_room())
    assert output.write(b"x" * (MAX_CHUNK_BYTES - 1)) is True
    assert output.write(b"x") is False

    assert len(chunks_of(output)[0]) == MAX_CHUNK_BYTES
    assert went_on == [True]


def test_a_writer_that_waits_goes_on_when_the_stream_is_cancelled() -> None:
    output = StreamOutput(credit=0)
    went_on: list[bool] = []
    output.on_room = lambda: went_on.append(output.has_room())
    assert output.write(b"x" * MAX_CHUNK_BYTES) is False
    output.cancel()

    assert went_on == [True]
    assert output.write(b"dropped") is True
    output.finish(CANCELLED)
    assert (chunks_of(output), output.take_end()) == ([], CANCELLED)


def test_the_end_comes_after_the_last_chunk_and_once() -> None:
    output = StreamOutput(credit=0)
    output.write(b"a")
    output.finish(MODEL_ERROR)
    assert (chunks_of(output), output.take_end()) == ([], None)
    output.grant(1)

    assert (chunks_of(output), output.take_end()) == ([b"a"], MODEL_ERROR)
    assert output.take_end() is None


def test_the_io_thread_is_called_once_for_all_that_is_written_before_it_comes() -> None:
    output = StreamOutput(credit=9)
    calls: list[None] = []
    output.on_dirty = lambda: calls.append(None)
    for _ in range(5):
        output.write(b"a")
    assert len(calls) == 1
    chunks_of(output)
    output.write(b"a")
    assert len(calls) == 2


@given(
    events=st.lists(
        st.integers(0, 3 * MAX_CHUNK_BYTES).map(lambda size: size.to_bytes(3, "big") * (size // 3)),
        max_size=12,
    )
)
def test_chunks_put_together_are_the_events_put_together(events: list[bytes]) -> None:
    output = StreamOutput(credit=1000)
    for event in events:
        output.write(event)
    output.finish(STREAM_END)
    chunks = chunks_of(output)

    assert b"".join(chunks) == b"".join(events)
    assert all(len(chunk) <= MAX_CHUNK_BYTES for chunk in chunks)
    assert output.take_end() is STREAM_END
