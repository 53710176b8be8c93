"""What a peer can do wrong. None of it is forgiven: the connection ends (PROTOCOL.md, 2)."""

from typing import Literal

ViolationCode = Literal[
    "BAD_LENGTH",
    "BAD_UTF8",
    "BAD_JSON",
    "TOO_DEEP",
    "DUPLICATE_KEY",
    "BAD_SEGMENTS",
    "UNKNOWN_TYPE",
    "BAD_FIELD",
    "BAD_STATE",
    "TRUNCATED",
]


class ProtocolViolation(Exception):  # noqa: N818 - the protocol's own word for it
    """The peer broke the protocol in the way that `code` names."""

    def __init__(self, code: ViolationCode, message: str) -> None:
        super().__init__(message)
        self.code: ViolationCode = code
