"""Route `json`, from bodies to values."""

from typing import NoReturn

import orjson
import pytest

from gatehouse_worker.codecs.json import decode_body
from gatehouse_worker.wire.messages import Infer


def test_a_body_for_which_there_is_no_memory_is_not_called_bad(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What orjson raises under RLIMIT_AS."""

    def loads(_body: object) -> NoReturn:
        raise orjson.JSONDecodeError("Not enough memory to allocate buffer for parsing", "", 0)

    monkeypatch.setattr(orjson, "loads", loads)
    infer = Infer(1, "json", False, 0, 30_000, {}, [memoryview(b"[1]")])

    with pytest.raises(MemoryError, match="Not enough memory"):
        decode_body(infer)
