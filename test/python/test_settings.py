"""A worker's command line and environment: what is wrong with them is said, with exit 2."""

import pytest

from gatehouse_worker.settings import read_settings

ARGUMENTS = ["--socket", "/tmp/s", "--model", "m", "--class", "a.py:A"]
NONCE = "0123456789abcdef" * 4


def test_all_that_the_daemon_says_is_kept() -> None:
    limits = ["--concurrency", "2", "--max-batch", "3", "--max-wait-ms", "4", "--timeout-ms", "5"]
    settings = read_settings(
        [*ARGUMENTS, *limits, "--max-frame-bytes", "6"],
        {"GATEHOUSE_NONCE": NONCE, "GATEHOUSE_PARENT_PID": "77"},
    )

    assert (settings.socket, settings.name, settings.class_spec) == ("/tmp/s", "m", "a.py:A")
    assert (settings.concurrency, settings.max_batch, settings.max_wait_ms) == (2, 3, 4)
    assert (settings.timeout_ms, settings.max_frame_bytes) == (5, 6)
    assert (settings.nonce, settings.parent_pid) == (NONCE, 77)


def test_a_worker_started_by_hand_needs_only_a_nonce() -> None:
    settings = read_settings(ARGUMENTS, {"GATEHOUSE_NONCE": NONCE})

    assert (settings.concurrency, settings.max_batch, settings.timeout_ms) == (1, 1, 30_000)
    assert settings.parent_pid is None


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (ARGUMENTS[2:], {"GATEHOUSE_NONCE": NONCE}, "required: --socket"),
        ([*ARGUMENTS, "--concurrency", "0"], {"GATEHOUSE_NONCE": NONCE}, "must be at least 1"),
        ([*ARGUMENTS, "--max-wait-ms", "-1"], {"GATEHOUSE_NONCE": NONCE}, "must be at least 0"),
        ([*ARGUMENTS, "--timeout-ms", "x"], {"GATEHOUSE_NONCE": NONCE}, "invalid"),
        (ARGUMENTS, {}, "GATEHOUSE_NONCE must hold 64"),
        (ARGUMENTS, {"GATEHOUSE_NONCE": NONCE.upper()}, "GATEHOUSE_NONCE must hold 64"),
        (
            ARGUMENTS,
            {"GATEHOUSE_NONCE": NONCE, "GATEHOUSE_PARENT_PID": "-1"},
            "GATEHOUSE_PARENT_PID must be a process id",
        ),
    ],
)
def test_what_is_wrong_is_said_and_the_exit_code_is_2(
    arguments: list[str],
    environment: dict[str, str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(arguments, environment)

    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
