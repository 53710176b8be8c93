"""What every Python test may use: where the fixture models are, and the shared vectors."""

import json
import time
from pathlib import Path
from typing import Any

TEST_FOLDER = Path(__file__).parent.parent
MODELS = TEST_FOLDER / "fixtures" / "models"
EXAMPLES = TEST_FOLDER.parent / "python" / "examples"


def vectors(name: str) -> list[dict[str, Any]]:
    """Give the cases of a file in test/wire/vectors."""
    cases: list[dict[str, Any]] = json.loads((TEST_FOLDER / "wire/vectors" / name).read_text())[
        "cases"
    ]
    return cases


def wait_for(file: Path) -> None:
    """Wait until a model has made a file: its call has begun. Raises TimeoutError after 10 s."""
    give_up = time.monotonic() + 10
    while not file.exists():
        if time.monotonic() > give_up:
            raise TimeoutError(file)
        time.sleep(0.005)
