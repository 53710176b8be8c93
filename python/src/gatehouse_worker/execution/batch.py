"""A batch of requests around one call of a method: decoded before it, answered after it."""

from collections.abc import Sequence
from typing import Any, Final, cast

from gatehouse_worker.answers import CANCELLED, DEADLINE_EXCEEDED, Answer
from gatehouse_worker.execution.call import UnaryItem
from gatehouse_worker.execution.failures import failure_of


class Batch:
    """Sees to it that every item has exactly one answer, whatever the method does."""

    def __init__(self, items: Sequence[UnaryItem], now: float) -> None:
        """Decode the items. Those that cannot be decoded, or are late by `now`, have answers."""
        route = items[0].route
        self.method: Final = route.method
        self.answers: list[Answer] = [CANCELLED] * len(items)
        """Each item's answer, in order; CANCELLED where the call came to no end."""
        self.values: list[Any] = []
        """What the method is called with, possibly nothing."""
        self._items = items
        self._encode = route.encode
        self._places: list[int] = []
        for place, item in enumerate(items):
            if item.deadline <= now:
                self.answers[place] = DEADLINE_EXCEEDED
                continue
            try:
                value = route.decode(item.infer)
            except Exception as error:  # noqa: BLE001 - of no memory, for example
                self.answers[place] = failure_of(error, [item])
                continue
            self._places.append(place)
            self.values.append(value)

    def accept(self, results: Sequence[object]) -> None:
        """Take a result, or the exception in its place, for each of `values`."""
        for place, result in zip(self._places, results, strict=True):
            self.answers[place] = self._answer(self._items[place], result)

    def reject(self, error: BaseException) -> None:
        """Take what the method raised instead of giving results for `values`."""
        failure = failure_of(error, [self._items[place] for place in self._places])
        for place in self._places:
            self.answers[place] = failure

    def _answer(self, item: UnaryItem, result: object) -> Answer:
        if isinstance(result, Exception):
            return failure_of(result, [item])
        try:
            return self._encode(result)
        except Exception as error:  # noqa: BLE001 - a model may return anything
            return failure_of(error, [item])


def checked_results(method: str, results: object, count: int) -> Sequence[object]:
    """Give what a method returned for `count` values. Raises TypeError unless it fits them."""
    if isinstance(results, str | bytes) or not isinstance(results, Sequence):
        raise TypeError(f"`{method}` returned a {type(results).__name__}, not a list.")
    results = cast("Sequence[object]", results)
    if len(results) != count:
        raise TypeError(f"`{method}` returned {len(results)} results for {count} items.")
    return results
