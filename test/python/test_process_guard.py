"""A worker ends with its daemon, however that ends, and keeps nothing of it from the model."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import EXAMPLES, MODELS

import gatehouse
from gatehouse.testing import run_worker

SOURCE = str(Path(gatehouse.__file__).parent.parent)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux's")
def test_a_worker_dies_with_a_parent_that_is_killed_also_while_c_code_holds_the_lock(
    tmp_path: Path,
) -> None:
    """The parent is a process that runs a worker and is killed; stdin stays open here."""
    started = tmp_path / "started"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, f"{MODELS}/misbehaving.py:OnDemand", str(started)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": SOURCE},
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        worker_pid = int(parent.stdout.readline())
        until(started.exists)
        parent.kill()
    until(lambda: not is_alive(worker_pid))


PARENT = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from gatehouse.testing import run_worker

    with run_worker(sys.argv[1]) as worker:
        os.dup(worker.process.stdin.fileno())
        print(worker.process.pid, flush=True)
        order = b'{"do":"hang_in_c","announce":"%s"}' % sys.argv[2].encode()
        worker.wire.infer(1, order)
        signal.pause()
    """
)


def test_a_worker_whose_parent_was_gone_before_it_began_leaves_at_once() -> None:
    assert run_by_hand({"GATEHOUSE_PARENT_PID": "1"}) == (1, "")


def test_a_model_cannot_read_the_pipe_that_guards_the_worker() -> None:
    with run_worker(f"{MODELS}/behaving.py:Reading") as worker:
        assert worker.process.stdin is not None
        worker.process.stdin.write(b"for nobody")
        worker.process.stdin.flush()

        assert worker.predict(None) == ""


def test_sigterm_ends_a_worker_at_once_whatever_its_model_does() -> None:
    with run_worker(f"{MODELS}/misbehaving.py:OnDemand") as worker:
        worker.wire.infer(1, b'{"do":"spin"}')
        worker.process.send_signal(signal.SIGTERM)

        assert worker.process.wait(10) == -signal.SIGTERM


def test_a_path_that_cannot_be_listened_on_is_said_with_exit_1() -> None:
    exit_code, said = run_by_hand({})

    assert exit_code == 1
    assert "Cannot listen on /nowhere/s: [Errno 2] No such file or directory" in said


def test_the_socket_is_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "s"
    arguments = ["--socket", str(path), "--model", "m", "--class", f"{EXAMPLES}/echo.py:Echo"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "gatehouse_worker", *arguments],
        env={**os.environ, "PYTHONPATH": SOURCE, "GATEHOUSE_NONCE": "0" * 64},
        stdin=subprocess.PIPE,
    )
    with worker:
        until(path.exists)
        assert path.stat().st_mode & 0o777 == 0o600
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(10) == 1


def run_by_hand(environment: dict[str, str]) -> tuple[int, str]:
    """Run a worker on a path that is not there, its stdin open; gives exit code and stderr."""
    arguments = ["--socket", "/nowhere/s", "--model", "m", "--class", "a.py:A"]
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w"):
        ended = subprocess.run(
            [sys.executable, "-m", "gatehouse_worker", *arguments],
            env={**os.environ, "PYTHONPATH": SOURCE, "GATEHOUSE_NONCE": "0" * 64, **environment},
            stdin=reading,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    return ended.returncode, ended.stderr


def until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not is_so():
        if time.monotonic() > give_up:
            raise TimeoutError(is_so)
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
