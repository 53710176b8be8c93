"""The way out for answers, as the model's thread sees it."""

from typing import Protocol

from gatehouse_worker.answers import Answer
from gatehouse_worker.execution.call import UnaryItem


class Replies(Protocol):
    """Sends the one end of each request that is no stream. Safe to call from any thread."""

    def settle(self, item: UnaryItem, answer: Answer) -> None:
        """Send the answer and free the slot."""
        ...
