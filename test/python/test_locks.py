"""What is installed is exactly what is locked, from wherever it is fetched."""

import re
from pathlib import Path

import pytest
from fixtures import TEST_FOLDER

PYTHON = TEST_FOLDER.parent / "python"
REQUIREMENT = re.compile(r"^([a-z0-9-]+)==([^ ]+)", re.MULTILINE)


def requirements(name: str) -> set[tuple[str, str]]:
    return set(REQUIREMENT.findall((PYTHON / name).read_text()))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_line_is_a_pin_or_a_hash_and_names_no_host(name: str) -> None:
    lines = Path(PYTHON / name).read_text().splitlines()

    assert lines
    for line in lines:
        assert REQUIREMENT.match(line) or re.fullmatch(
            r" {4}--hash=sha256:[0-9a-f]{64}( \\)?", line
        )


def test_what_tests_need_is_what_running_needs_and_more() -> None:
    assert requirements("requirements.lock") < requirements("requirements-dev.lock")


def test_running_needs_no_test_tool_and_no_downloader_of_models() -> None:
    names = {name for name, _ in requirements("requirements.lock")}

    assert names >= {"numpy", "orjson", "uvloop", "wordllama"}
    assert not names & {"pytest", "hypothesis", "ruff", "huggingface-hub"}
