"""Gives back what came in: the smallest model there is, and a ruler for the bridge."""

from collections.abc import Iterator
from typing import Any

from gatehouse import Model


class Echo(Model):
    """Any JSON in, the same out. Streamed: the members of a list one by one, all else at once."""

    def predict(self, items: list[Any]) -> list[Any]:
        return items

    def stream(self, item: Any) -> Iterator[Any]:
        yield from item if isinstance(item, list) else [item]
