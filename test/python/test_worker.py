"""A real worker process, spoken to message by message: its life, and how each request ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from fixtures import EXAMPLES, MODELS

from gatehouse import ClientError, __version__
from gatehouse.testing import RequestFailedError, WorkerEndedError, WorkerProcess, run_worker
from gatehouse_worker.wire.limits import MAX_FRAME_BYTES

ECHO = f"{EXAMPLES}/echo.py:Echo"
BEHAVING = f"{MODELS}/behaving.py"
MISBEHAVING = f"{MODELS}/misbehaving.py"


@pytest.fixture(scope="module")
def raising() -> Iterator[WorkerProcess]:
    with run_worker(f"{BEHAVING}:Raising") as worker:
        yield worker


def test_introduces_itself_and_says_what_the_model_can_do() -> None:
    with run_worker(ECHO, concurrency=2, max_batch=3, is_ready=False) as worker:
        worker.wire.hello(worker.nonce)
        hello, _ = worker.wire.receive()
        ready, _ = worker.wire.receive()

        assert hello == {
            "type": "hello",
            "protocol": 1,
            "nonce": worker.nonce[32:],
            "pid": worker.process.pid,
            "sdk": __version__,
        }
        assert ready == {
            "type": "ready",
            "name": "test",
            "methods": ["predict", "stream"],
            "inputs": [],
            "outputs": [],
            "maxBatch": 3,
            "concurrency": 2,
        }


def test_drains_what_it_has_then_closes_the_model_and_exits_0(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with run_worker(f"{BEHAVING}:Async") as worker:
        worker.wire.infer(1, b"0.2")
        worker.wire.send({"type": "drain"})

        assert worker.wire.receive()[0]["type"] == "result"
        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 0
    assert "closed after all" in capfd.readouterr().out


def test_drained_while_it_loads_it_exits_0_without_waiting_for_the_model() -> None:
    with run_worker(f"{MISBEHAVING}:LoadHangs", is_ready=False) as worker:
        worker.wire.hello(worker.nonce)
        worker.wire.receive()
        worker.wire.send({"type": "ping", "id": 1})
        assert worker.wire.receive()[0] == {"type": "pong", "id": 1}

        assert worker.drain() == 0


def test_tells_why_a_model_does_not_load_and_exits_1() -> None:
    with run_worker(f"{MISBEHAVING}:LoadRaises", is_ready=False) as worker:
        with pytest.raises(WorkerEndedError, match="RuntimeError: the weights are missing"):
            worker.wait_until_ready()
        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 1


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (f"{MODELS}/nothing.py:Model", "There is no file"),
        (f"{BEHAVING}:Nobody", "has no class Nobody"),
        (f"{BEHAVING}:ClientError", "does not derive from gatehouse.Model"),
        (f"{MISBEHAVING}:ServesNothing", "serves nothing: it has neither `predict` nor `stream`"),
        (f"{MISBEHAVING}:OnlyChats", "serves nothing: it has neither `predict` nor `stream`"),
        ("gatehouse.nothing:Model", "ModuleNotFoundError"),
        ("Model", "is not `file.py:Class`"),
    ],
)
def test_a_class_that_cannot_be_had_is_a_load_failure_with_a_sentence(
    spec: str, reason: str
) -> None:
    with run_worker(spec, is_ready=False) as worker, pytest.raises(WorkerEndedError, match=reason):
        worker.wait_until_ready()


def test_refuses_another_protocol_version_before_it_looks_at_the_nonce() -> None:
    with run_worker(ECHO, is_ready=False) as worker:
        worker.wire.hello("0" * 64, protocol=2)

        failed, _ = worker.wire.receive()
        assert failed["code"] == "PROTOCOL_VERSION"
        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 1


def test_leaves_without_a_byte_when_the_nonce_is_wrong() -> None:
    with run_worker(ECHO, is_ready=False) as worker:
        worker.wire.hello("0" * 64)

        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 1


def test_a_violation_ends_the_worker_with_1() -> None:
    with run_worker(ECHO) as worker:
        worker.wire.send({"type": "cancel", "id": 9})

        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 1


def test_a_connection_that_closes_ends_the_worker_with_1() -> None:
    with run_worker(ECHO) as worker:
        worker.wire.socket.close()

        assert worker.process.wait(10) == 1


def test_the_end_of_stdin_ends_the_worker_with_1_also_while_the_model_hangs_in_python() -> None:
    with run_worker(f"{MISBEHAVING}:OnDemand") as worker:
        worker.wire.infer(1, b'{"do":"spin"}')
        assert worker.process.stdin is not None
        worker.process.stdin.close()

        assert worker.process.wait(10) == 1


def test_answers_requests_one_after_the_other() -> None:
    with run_worker(ECHO) as worker:
        for item in (None, 1, "ü", [1, {"a": [True]}], {"deep": {"er": 0.5}}):
            assert worker.predict(item) == item


def test_a_body_that_is_no_json_is_the_callers_fault() -> None:
    with run_worker(ECHO) as worker:
        worker.wire.infer(1, b'{"a":')
        error, _ = worker.wire.receive()
        assert (error["code"], error["message"][:24]) == ("BAD_REQUEST", "The body is not JSON: li")

        worker.wire.infer(2, b"")
        error, _ = worker.wire.receive()
        assert error["message"] == "The body is not JSON: it is empty."


def test_a_body_deeper_than_an_answer_can_be_is_the_callers_fault() -> None:
    with run_worker(ECHO) as worker:
        codes: list[object] = []
        for number, depth in enumerate((200, 201, 1000, 2000), 1):
            worker.wire.infer(number, b"[" * depth + b"]" * depth)
            codes.append(worker.wire.receive()[0].get("code"))

        assert codes == [None, "BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST"]


def test_a_route_or_method_that_is_not_there_is_a_bad_request() -> None:
    with run_worker(f"{BEHAVING}:Batched") as worker:
        worker.wire.infer(1, b"1", route="telepathy")
        assert worker.wire.receive()[0]["message"] == (
            "This worker does not know the route 'telepathy'."
        )
        worker.wire.infer(2, b"1", stream=True, credit=1)
        message = worker.wire.receive()[0]["message"]
        assert message.startswith("This model has no `stream` method.")


def test_a_client_error_reaches_the_caller_and_no_other_exception_does(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with run_worker(f"{BEHAVING}:Raising") as worker:
        with pytest.raises(ClientError, match=r"^This input is of no use\.$"):
            worker.predict("client")
        with pytest.raises(RequestFailedError, match=r"^MODEL_ERROR: The model failed on this"):
            worker.predict("error")
        worker.drain()
    assert "ValueError: a secret of the model" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("silent", "The model refused this request."),
        ("mute", "(it cannot say what is wrong)"),
        ("broken", "?"),
    ],
)
def test_a_client_error_without_words_is_still_told(how: str, message: str) -> None:
    with run_worker(f"{BEHAVING}:Refusing") as worker:
        with pytest.raises(ClientError) as refused:
            worker.predict(how)
        assert str(refused.value) == message


@pytest.mark.parametrize("what", ["memory", "interrupt", "cancelled"])
def test_the_worker_outlives_what_a_model_raises(raising: WorkerProcess, what: str) -> None:
    with pytest.raises(RequestFailedError, match="MODEL_ERROR"):
        raising.predict(what)
    assert raising.predict("fine") == "fine"


def test_an_error_in_the_middle_of_a_stream_comes_after_what_was_yielded(
    raising: WorkerProcess,
) -> None:
    events = raising.stream("client")
    assert next(events) == 1
    with pytest.raises(ClientError, match="of no use"):
        next(events)


@pytest.mark.parametrize(
    ("kind", "code", "logged"),
    [
        ("none", "MODEL_ERROR", "`predict` returned a NoneType, not a list."),
        ("few", "MODEL_ERROR", "`predict` returned 0 results for 1 items."),
        ("text", "MODEL_ERROR", "`predict` returned a str, not a list."),
        ("no json", "MODEL_ERROR", "Type is not JSON serializable"),
        ("large", "RESULT_TOO_LARGE", ""),
    ],
)
def test_a_result_that_is_none_is_an_error_with_its_reason_in_the_log(
    kind: str, code: str, logged: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with run_worker(f"{BEHAVING}:WrongResult") as worker:
        with pytest.raises(RequestFailedError, match=code):
            worker.predict(kind)
        assert worker.predict("nan") is None
        worker.drain()
    assert logged in capfd.readouterr().err


def test_items_that_wait_meet_in_one_call_and_fail_one_by_one() -> None:
    with run_worker(f"{BEHAVING}:Batched", max_batch=4, max_wait_ms=60_000) as worker:
        for number, body in enumerate((b'"a"', b'"bad"', b'"broken"', b"no json"), 1):
            worker.wire.infer(number, body)

        answers = {message["id"]: (message, body) for message, body in receive(worker, 4)}
    assert orjson.loads(answers[1][1][0]) == {"item": "a", "batch": 3}
    assert answers[2][0]["message"] == "This item is bad."
    assert answers[3][0]["code"] == "MODEL_ERROR"
    assert answers[4][0]["code"] == "BAD_REQUEST"


def test_a_client_error_for_a_whole_batch_is_told_to_the_one_whose_fault_it_is() -> None:
    with run_worker(f"{BEHAVING}:Raising", max_batch=3, max_wait_ms=60_000) as worker:
        for number, body in enumerate((b'"a"', b'"client"', b'"b"'), 1):
            worker.wire.infer(number, body)

        answers = {message["id"]: message["type"] for message, _ in receive(worker, 3)}
    assert answers == {1: "result", 2: "error", 3: "result"}


def test_several_calls_run_at_once_up_to_the_concurrency(tmp_path: Path) -> None:
    with run_worker(f"{MISBEHAVING}:OnDemand", concurrency=2) as worker:
        leave = tmp_path / "leave"
        worker.wire.infer(1, orjson.dumps({"do": "wait", "until": str(leave)}))
        worker.wire.infer(2, b'"quick"')

        assert worker.wire.receive()[0]["id"] == 2
        leave.touch()
        assert worker.wire.receive()[0]["id"] == 1


def test_an_item_too_late_to_begin_is_dropped() -> None:
    with run_worker(f"{MISBEHAVING}:OnDemand", max_batch=2) as worker:
        worker.wire.infer(1, b'{"events":1,"gap_ms":100}', stream=True, credit=9)
        worker.wire.infer(2, b'"late"', timeout_ms=1)

        codes = {message["id"]: message.get("code") for message, _ in receive(worker, 4)}
    assert codes == {1: None, 2: "DEADLINE_EXCEEDED"}


def test_pings_are_answered_while_the_model_works_in_python() -> None:
    with run_worker(f"{MISBEHAVING}:OnDemand") as worker:
        worker.wire.infer(1, b'{"do":"spin"}')
        for number in range(1, 4):
            worker.wire.send({"type": "ping", "id": number})
            assert worker.wire.receive()[0] == {"type": "pong", "id": number}


def test_sys_exit_in_a_model_ends_the_process_with_its_number() -> None:
    with run_worker(f"{MISBEHAVING}:OnDemand") as worker:
        worker.wire.infer(1, b'{"do":"sys_exit","code":7}')

        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 7


def test_sys_exit_in_an_async_model_ends_the_process_with_its_number() -> None:
    with run_worker(f"{BEHAVING}:Async") as worker:
        worker.wire.infer(1, b'"sys_exit"')

        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 7


def test_a_request_for_which_there_is_no_memory_ends_the_worker_and_leaves_nobody_waiting(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with run_worker(f"{MISBEHAVING}:Confined") as worker:
        with contextlib.suppress(ConnectionError):
            worker.wire.infer(1, bytes(MAX_FRAME_BYTES))

        assert worker.wire.is_at_end()
        assert worker.process.wait(10) == 1
    assert "MemoryError" in capfd.readouterr().err


def test_a_record_in_the_log_is_bounded(capfd: pytest.CaptureFixture[str]) -> None:
    with run_worker(f"{BEHAVING}:Quoting") as worker:
        with pytest.raises(RequestFailedError):
            worker.predict("x" * 1_000_000)
        worker.drain()
    printed = capfd.readouterr().err

    assert "ValueError: xxx" in printed
    assert len(printed) < 20_000


def test_a_model_that_asks_for_more_memory_than_the_limit_fails_only_its_request() -> None:
    with run_worker(f"{MISBEHAVING}:OnDemand") as worker:
        with pytest.raises(RequestFailedError, match="MODEL_ERROR"):
            worker.predict({"do": "memory", "limit_mib": 768})
        assert worker.predict(1) == 1


def test_what_a_model_prints_never_reaches_the_wire(capfd: pytest.CaptureFixture[str]) -> None:
    with run_worker(f"{MISBEHAVING}:OnDemand") as worker:
        order = {"do": "shout", "bytes": 1000}
        assert worker.predict(order) == order
        assert worker.drain() == 0
    printed = capfd.readouterr()
    assert "x" * 1000 in printed.out
    assert "line 999" in printed.err


@pytest.mark.parametrize("name", ["Tidy", "TidyAsync"])
def test_a_request_leaves_nothing_that_only_the_cycle_collector_frees(name: str) -> None:
    """Else bodies of megabytes would stay until it runs."""
    with run_worker(f"{BEHAVING}:{name}") as worker:
        worker.predict("warm")
        list(worker.stream(3))
        worker.predict("collect")

        for _ in range(20):
            worker.predict("text")
            list(worker.stream(3))
            with contextlib.suppress(ClientError):
                worker.predict("client")
        assert worker.predict("collect") == 0


def receive(worker: WorkerProcess, count: int) -> list[tuple[dict[str, object], list[bytes]]]:
    return [worker.wire.receive() for _ in range(count)]


def test_a_worker_at_rest_holds_on_to_no_body() -> None:
    """Seen from its resident memory, which a body of 24 MiB and its answer would fill."""
    with run_worker(ECHO) as worker:
        worker.predict("warm")
        before = resident_mib(worker)
        assert len(worker.predict("x" * (24 * 1024 * 1024))) == 24 * 1024 * 1024
        worker.predict("cool")

        assert resident_mib(worker) - before < 12


def resident_mib(worker: WorkerProcess) -> float:
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
