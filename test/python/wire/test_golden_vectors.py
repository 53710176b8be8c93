"""Both sides of the wire against test/wire/vectors, which the daemon's tests read as well."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from fixtures import vectors

from gatehouse.testing.daemon_conversation import DaemonConversation
from gatehouse.testing.worker_messages import read_worker_message
from gatehouse_worker.conversation import Conversation
from gatehouse_worker.wire.frame_reader import FrameReader
from gatehouse_worker.wire.messages import read_daemon_message
from gatehouse_worker.wire.violation import ProtocolViolation

FRAMES = vectors("frames.json")
CONVERSATIONS = vectors("conversations.json")


def name_of(case: dict[str, Any]) -> str:
    return case["name"]


@pytest.mark.parametrize("case", FRAMES, ids=name_of)
def test_a_stream_gives_its_messages_and_its_violation_however_it_is_split(
    case: dict[str, Any],
) -> None:
    """Read whole, byte by byte, and split in two at every byte."""
    stream = bytes.fromhex(case["hex"])
    whole = messages, violation = read(case, [stream])

    assert violation == case["violation"]
    assert len(messages) == len(case["messages"])
    for message, expected in zip(messages, case["messages"], strict=True):
        # The vectors leave out the fields that a reader ignores.
        assert {name: message[name] for name in expected} == expected
    assert read(case, (stream[at : at + 1] for at in range(len(stream)))) == whole
    for at in range(len(stream)):
        assert read(case, [stream[:at], stream[at:]]) == whole


def read(case: dict[str, Any], pieces: Iterable[bytes]) -> tuple[list[dict[str, Any]], str | None]:
    messages: list[dict[str, Any]] = []
    check: Callable[[dict[str, object], list[int]], object] = (
        read_daemon_message if case["receiver"] == "worker" else read_worker_message
    )

    def checked(fields: dict[str, object], lengths: list[int]) -> dict[str, object]:
        check(fields, lengths)
        return fields

    def collect(fields: dict[str, object], segments: list[memoryview]) -> None:
        has_segments = {"segments": [segment.hex() for segment in segments]}
        messages.append(fields | (has_segments if "segments" in fields else {}))

    reader = FrameReader(checked, collect, case["maxFrameBytes"])
    try:
        for piece in pieces:
            feed(reader, piece)
        reader.end()
    except ProtocolViolation as violation:
        return messages, violation.code
    return messages, None


def feed(reader: FrameReader[Any], piece: bytes) -> None:
    while piece:
        buffer = reader.buffer()
        count = min(len(piece), len(buffer))
        buffer[:count] = piece[:count]
        reader.advance(count)
        piece = piece[count:]


@pytest.mark.parametrize("case", CONVERSATIONS, ids=name_of)
def test_a_conversation_is_legal_up_to_the_step_that_its_receiver_refuses(
    case: dict[str, Any],
) -> None:
    """Both sides keep the states; each judges what it receives."""
    worker = Conversation(case["concurrency"] * case["maxBatch"])
    daemon = DaemonConversation()
    refused: dict[str, Any] | None = None
    for number, step in enumerate(case["steps"]):
        try:
            take_step(step, worker, daemon)
        except ProtocolViolation as violation:
            refused = {"step": number, "code": violation.code}
            break

    assert refused == case["violation"]


def take_step(step: dict[str, Any], worker: Conversation, daemon: DaemonConversation) -> None:
    message: dict[str, Any] = step["message"]
    if step["from"] == "daemon":
        worker.receive(read_daemon_message(message, []))
        daemon.sent(message)
        return
    daemon.received(message)
    match message["type"]:
        case "hello":
            worker.greeted()
        case "ready":
            worker.loaded()
        case "health":
            worker.checked()
        case "result" | "error" | "end":
            worker.ended(message["id"])
        case _:
            pass
