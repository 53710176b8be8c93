"""What a codec is: how a route's bodies become arguments of a method, and its values an answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from gatehouse_worker.answers import Reply
from gatehouse_worker.wire.messages import Infer


@dataclass(frozen=True, slots=True)
class UnaryRoute:
    """A method that takes a list of values, one a request, and gives a list of results."""

    method: str
    decode: Callable[[Infer], Any]
    """Gives the value for the method. Raises ClientError when the body is none."""
    encode: Callable[[Any], Reply]
    """Raises TypeError when the result cannot be written in the route's format."""


@dataclass(frozen=True, slots=True)
class StreamRoute:
    """A method that takes one request's value and yields what is sent as it comes."""

    method: str
    decode: Callable[[Infer], Any]
    headers: Mapping[str, str]
    encode_event: Callable[[Any], bytes]


Route: TypeAlias = UnaryRoute | StreamRoute
