"""Stands in for a real model while the rest of a system is built: takes its time, and answers."""

import time
from typing import Any

from gatehouse import Model, cancelled

INFERENCE_MS = 500
_STEP_MS = 50


class Mock(Model):
    """Any JSON in; half a second later what came in, and how long the simulated inference took."""

    def predict(self, items: list[Any]) -> list[dict[str, Any]]:
        began = time.monotonic()
        for _ in range(INFERENCE_MS // _STEP_MS):
            if cancelled():
                break
            time.sleep(_STEP_MS / 1000)
        took_ms = round((time.monotonic() - began) * 1000)
        return [{"input": item, "inferenceMs": took_ms} for item in items]
