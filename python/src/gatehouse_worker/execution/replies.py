"""The way out for answers, as the model's thread sees it."""

from collections.abc import Sequence
from typing import Protocol

from gatehouse_worker.execution.call import UnaryItem


class Replies(Protocol):
    """Sends the one end of each request that is no stream. Safe to call from any thread."""

    def settle(self, items: Sequence[UnaryItem]) -> None:
        """Send each item's answer, all together, and free their slots."""
        ...
