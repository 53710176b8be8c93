"""How deep the JSON of a frame may be, whatever makes it deep (PROTOCOL.md, section 1)."""

import pytest

from gatehouse_worker.wire.message_json import parse_message
from gatehouse_worker.wire.violation import ProtocolViolation


@pytest.mark.parametrize(
    ("around", "levels"),
    [
        ('{"a":%s}', 1),
        ('{"headers":{},"a":%s}', 1),
        ('{"headers":{"a":%s}}', 2),
        ('{"a":{"b":{"c":%s}}}', 3),
        ('{"headers":{"a":%s},"headers":{}}', 2),
    ],
)
@pytest.mark.parametrize(("inside", "more"), [("1", 0), ("{}", 1), ("[]", 1), ('"[{"', 0)])
def test_32_levels_are_not_too_deep_and_33_are(
    around: str, levels: int, inside: str, more: int
) -> None:
    for arrays in range(36):
        text = around % ("[" * arrays + inside + "]" * arrays)
        assert is_too_deep(text) == (levels + arrays + more > 32)


def is_too_deep(text: str) -> bool:
    try:
        parse_message(text.encode())
    except ProtocolViolation as violation:
        return violation.code == "TOO_DEEP"
    return False
