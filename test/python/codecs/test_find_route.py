"""Which codec serves a request, and what a caller reads when none does."""

import pytest

from gatehouse import ClientError
from gatehouse_worker.codecs.find_route import find_route


def test_a_caller_who_wants_the_other_kind_of_answer_is_told_how_to_ask() -> None:
    with pytest.raises(ClientError, match=r"no `predict` .* send `Accept: text/event-stream`\.$"):
        find_route("json", stream=False, methods=["stream"])
    with pytest.raises(ClientError, match=r"no `stream` .* `Accept: text/event-stream` away\.$"):
        find_route("json", stream=True, methods=["predict"])
