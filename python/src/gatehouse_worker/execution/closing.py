"""Generators are closed as soon as they are left, so that their `finally` runs then and there."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    aclosing,
    closing,
    nullcontext,
)
from typing import cast


def closing_generator(events: Iterable[object]) -> AbstractContextManager[object]:
    """Close what is a generator on leaving the block; leave any other iterable alone."""
    if isinstance(events, Generator):
        return closing(cast("Generator[object]", events))
    return nullcontext()


def closing_async_generator(events: AsyncIterator[object]) -> AbstractAsyncContextManager[object]:
    """Close what is an async generator on leaving the block."""
    if isinstance(events, AsyncGenerator):
        return aclosing(cast("AsyncGenerator[object]", events))
    return nullcontext()
