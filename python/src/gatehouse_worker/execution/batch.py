"""A batch of requests around one call of a method: decoded before it, answered after it.

Every item has an answer from the start, CANCELLED, and these functions give it a better one.
"""

from collections.abc import Sequence
from typing import Any

from gatehouse_worker.answers import DEADLINE_EXCEEDED
from gatehouse_worker.execution.call import UnaryItem
from gatehouse_worker.execution.failures import failure_of


def decode_items(items: Sequence[UnaryItem], now: float) -> tuple[list[UnaryItem], list[Any]]:
    """Give the items to call the method for, and its argument: a value for each.

    Those that cannot be decoded, or are late by `now`, are answered; possibly none is left.
    """
    good: list[UnaryItem] = []
    values: list[Any] = []
    for item in items:
        if item.deadline <= now:
            item.answer = DEADLINE_EXCEEDED
            continue
        try:
            values.append(item.route.decode(item.infer))
        except Exception as error:  # noqa: BLE001 - of no memory, for example
            item.answer = failure_of(error, [item])
        else:
            good.append(item)
    return good, values


def accept_results(items: Sequence[UnaryItem], results: Sequence[object]) -> None:
    """Answer each item with its result, or with the exception in its place, one for each."""
    for place, item in enumerate(items):
        result = results[place]
        if isinstance(result, Exception):
            item.answer = failure_of(result, [item])
            continue
        try:
            item.answer = item.route.encode(result)
        except Exception as error:  # noqa: BLE001 - a model may return anything
            item.answer = failure_of(error, [item])


def reject_items(items: Sequence[UnaryItem], error: BaseException) -> None:
    """Answer all items with what the method raised instead of giving results."""
    failure = failure_of(error, items)
    for item in items:
        item.answer = failure


def checked_results(method: str, returned: Any, count: int) -> Sequence[object]:
    """Give what a method returned for `count` values. Raises TypeError unless it fits them."""
    results: Sequence[object] = returned
    # A list first, because to ask whether something else is a sequence takes long.
    if type(returned) is not list and not _is_sequence(returned):
        raise TypeError(f"`{method}` returned a {type(returned).__name__}, not a list.")
    if len(results) != count:
        raise TypeError(f"`{method}` returned {len(results)} results for {count} items.")
    return results


def _is_sequence(results: object) -> bool:
    return isinstance(results, Sequence) and not isinstance(results, str | bytes)
