"""Each import rule of python/pyproject.toml, broken once in a copy and seen to fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures import TEST_FOLDER

PYTHON = TEST_FOLDER.parent / "python"


def test_the_sources_keep_every_rule_and_all_of_them_are_seen(tmp_path: Path) -> None:
    modules = len(list((PYTHON / "src").rglob("*.py")))
    printed = lint_imports(copy_of_sources(tmp_path), expect=0)

    assert f"Analyzed {modules} files" in printed
    assert "3 kept, 0 broken" in printed


@pytest.mark.parametrize(
    ("file", "line", "rule"),
    [
        ("gatehouse/model.py", "import gatehouse_worker.log", "The SDK never imports the worker"),
        (
            "gatehouse_worker/wire/fields.py",
            "import gatehouse_worker.connection",
            "The worker is built in layers",
        ),
        (
            "gatehouse_worker/codecs/route.py",
            "import gatehouse_worker.execution.call",
            "The worker is built in layers",
        ),
        (
            "gatehouse_worker/log.py",
            "import gatehouse.testing",
            "The worker needs nothing that is for tests",
        ),
    ],
)
def test_a_file_that_breaks_a_rule_is_found(
    tmp_path: Path, file: str, line: str, rule: str
) -> None:
    sources = copy_of_sources(tmp_path)
    broken = sources / "src" / file
    broken.write_text(f"{broken.read_text()}\n{line}\n")

    printed = lint_imports(sources, expect=1)
    assert any(rule in text and "BROKEN" in text for text in printed.splitlines())


def copy_of_sources(folder: Path) -> Path:
    sources = folder / "python"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PYTHON / "src", sources / "src", ignore=ignored)
    shutil.copy(PYTHON / "pyproject.toml", sources)
    return sources


def lint_imports(sources: Path, *, expect: int) -> str:
    ended = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=sources,
        env={**os.environ, "PYTHONPATH": str(sources / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == expect, ended.stdout
    return ended.stdout
