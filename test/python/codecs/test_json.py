"""Route `json`, from bodies to values."""

from typing import NoReturn

import orjson
import pytest
from fixtures import EXAMPLES

from gatehouse import ClientError
from gatehouse.testing import run_worker
from gatehouse_worker.codecs.json import decode_body
from gatehouse_worker.wire.limits import MAX_FRAME_BYTES
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


ECHO = f"{EXAMPLES}/echo.py:Echo"

MANY_VALUES = [b"[]", b"{}", b"[[]]", b'{"a":1}', b"1", b'"a"', b"1.5e3", b'"\\u00e9"', b"null"]


def repeated(value: bytes, length: int) -> bytes:
    return b"[" + b",".join([value] * (length // (len(value) + 1))) + b"]"


@pytest.mark.parametrize("value", MANY_VALUES)
def test_a_long_body_of_nothing_but_values_is_refused_before_it_holds_up_the_worker(
    value: bytes,
) -> None:
    body = memoryview(repeated(value, MAX_FRAME_BYTES))

    with pytest.raises(ClientError, match="too many values to be read in the 1000 ms"):
        decode_body(Infer(1, "json", False, 0, 1_000, {}, [body]))


def test_a_long_body_of_few_values_is_read_however_little_time_there_is() -> None:
    body = b'["' + b"a, [b] {c} " * 1_000 + b"x" * (MAX_FRAME_BYTES - 20_000) + b'"]'

    [text] = decode_body(Infer(1, "json", False, 0, 10, {}, [memoryview(body)]))

    assert len(text) == len(body) - 4


@pytest.mark.parametrize("value", [b"[[]]", b"1"])
def test_no_body_that_is_read_gets_the_worker_killed(value: bytes) -> None:
    # As much as may just be read in the model's time; the worker kills itself after 2 s more.
    with run_worker(ECHO, timeout_ms=500) as worker:
        for number, length in enumerate((1_000_000, 2_000_000, 4_000_000, 8_000_000), 100):
            worker.wire.infer(number, repeated(value, length), timeout_ms=500)
            message, _ = worker.wire.receive()
            assert message["type"] == "result" or message["code"] == "BAD_REQUEST"
        worker.wire.infer(200, b'"still there"')
        assert worker.wire.receive()[1] == [b'"still there"']
