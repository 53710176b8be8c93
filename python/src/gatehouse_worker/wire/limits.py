"""The numbers of PROTOCOL.md, section 1 and 4."""

from typing import Final

PROTOCOL_VERSION: Final = 1

MAX_JSON_BYTES: Final = 1024 * 1024
"""The longest JSON of one frame (N)."""

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
"""The most bytes that the segments of one frame have together; `hello` may say less."""

MAX_SEGMENTS: Final = 64

MAX_DEPTH: Final = 32
"""How deep the JSON of a frame may nest; the message itself is depth 1."""

MAX_CHUNK_BYTES: Final = 256 * 1024
"""The most bytes that the segments of one `chunk` have together."""

MAX_INTEGER: Final = 2**53 - 1
