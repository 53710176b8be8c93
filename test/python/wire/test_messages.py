"""The fields of `infer`, each at the ends of its range and beyond (PROTOCOL.md, section 4)."""

from typing import Any

import pytest

from gatehouse_worker.wire.messages import Infer, read_daemon_message
from gatehouse_worker.wire.violation import ProtocolViolation

MOST = 2**53 - 1
GOOD: dict[str, Any] = {
    "type": "infer",
    "id": 1,
    "route": "json",
    "stream": False,
    "credit": 0,
    "timeoutMs": 1,
    "headers": {},
}
NO_INTEGERS: list[Any] = [None, True, 1.0, "1", [], MOST + 1]
NO_HEADERS: list[Any] = [None, [], "", {"a": 1}, {"a": "", "b": None}]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": MOST, "timeoutMs": MOST, "headers": {"accept": ""}},
        {"route": "", "stream": True, "credit": MOST, "unknown": None},
        {"stream": True},
    ],
)
def test_an_infer_within_its_ranges_is_read(fields: dict[str, Any]) -> None:
    sent = GOOD | fields

    assert read_daemon_message(sent, []) == Infer(
        sent["id"],
        sent["route"],
        sent["stream"],
        sent["credit"],
        sent["timeoutMs"],
        sent["headers"],
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("id", value) for value in [0, *NO_INTEGERS]),
        *(("timeoutMs", value) for value in [0, *NO_INTEGERS]),
        *(("credit", value) for value in [-1, 1, *NO_INTEGERS]),
        *(("route", value) for value in [None, 1, ["json"]]),
        *(("stream", value) for value in [None, 0, 1, "false"]),
        *(("headers", value) for value in NO_HEADERS),
    ],
)
def test_an_infer_with_a_field_of_another_type_or_range_is_refused_by_its_name(
    name: str, value: object
) -> None:
    with pytest.raises(ProtocolViolation, match=f"`{name}` is not") as refused:
        read_daemon_message(GOOD | {name: value}, [])

    assert refused.value.code == "BAD_FIELD"


@pytest.mark.parametrize("credit", [-1, *NO_INTEGERS])
def test_the_credit_of_a_stream_has_a_range_too(credit: object) -> None:
    with pytest.raises(ProtocolViolation, match="`credit` is not"):
        read_daemon_message(GOOD | {"stream": True, "credit": credit}, [])


@pytest.mark.parametrize("name", ["id", "route", "stream", "credit", "timeoutMs", "headers"])
def test_an_infer_without_a_field_is_refused(name: str) -> None:
    with pytest.raises(ProtocolViolation, match=name) as refused:
        read_daemon_message({key: GOOD[key] for key in GOOD if key != name}, [])

    assert refused.value.code == "BAD_FIELD"
