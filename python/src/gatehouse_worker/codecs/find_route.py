"""Which codec serves a request."""

from collections.abc import Collection

from gatehouse import ClientError
from gatehouse_worker.codecs import json
from gatehouse_worker.codecs.route import Route

_ROUTES: dict[tuple[str, bool], Route] = {
    ("json", False): json.PREDICT,
    ("json", True): json.STREAM,
}

_HINTS: dict[bool, str] = {
    True: " It streams: send `Accept: text/event-stream`.",
    False: " It answers in one piece: leave `Accept: text/event-stream` away.",
}
"""How to ask a model that has only the other method: by whether that one streams."""


def find_route(name: str, *, stream: bool, methods: Collection[str]) -> Route:
    """Give the codec for route `name`.

    Raises ClientError when there is none, or when it needs a method that the model has not.
    """
    route = _ROUTES.get((name, stream))
    if route is None:
        raise ClientError(f"This worker does not know the route {name!r}.")
    if route.method not in methods:
        other = _ROUTES.get((name, not stream))
        hint = _HINTS[not stream] if other is not None and other.method in methods else ""
        raise ClientError(f"This model has no `{route.method}` method.{hint}")
    return route
